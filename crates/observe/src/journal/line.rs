//! One line: how it is written, and how damage is told.

use ninefold_core::event::{Event, EventKind};

/// A longer line is not written but replaced by a notice, and not read.
pub(super) const LINE_MAX: usize = 256 * 1024;

const HEAD: &[u8] = b"{\"crc\":\"";
const CRC_END: usize = HEAD.len() + 8;
const JSON_START: usize = CRC_END + 2;

/// The line of an event with its line feed. One that cannot be written as such, for it is too long,
/// becomes a notice with the same number.
pub(super) fn encode(event: &Event) -> Vec<u8> {
    match serde_json::to_vec(event) {
        Ok(json) if json.len() < LINE_MAX - JSON_START => seal(&json),
        Ok(json) => encode_notice(event, &format!("its line has {} bytes", json.len())),
        Err(error) => encode_notice(event, &error.to_string()),
    }
}

fn encode_notice(event: &Event, why: &str) -> Vec<u8> {
    let notice = Event {
        seq: event.seq,
        at: event.at,
        kind: EventKind::Notice {
            text: format!("an event was not written: {why}"),
        },
    };
    serde_json::to_vec(&notice)
        .map(|json| seal(&json))
        .unwrap_or_default()
}

fn seal(json: &[u8]) -> Vec<u8> {
    let rest = json.get(1..).unwrap_or_default();
    let mut line = Vec::with_capacity(rest.len() + JSON_START + 1);
    line.extend_from_slice(HEAD);
    line.extend_from_slice(format!("{:08x}", crc32fast::hash(rest)).as_bytes());
    line.extend_from_slice(b"\",");
    line.extend_from_slice(rest);
    line.push(b'\n');
    line
}

/// The event of a line without its line feed; nothing if the line is damaged.
pub(super) fn decode(line: &[u8]) -> Option<Event> {
    if line.len() > LINE_MAX || !line.starts_with(HEAD) {
        return None;
    }
    let crc = std::str::from_utf8(line.get(HEAD.len()..CRC_END)?).ok()?;
    let crc = u32::from_str_radix(crc, 16).ok()?;
    if line.get(CRC_END..JSON_START)? != b"\"," {
        return None;
    }
    let rest = line.get(JSON_START..)?;
    if crc32fast::hash(rest) != crc {
        return None;
    }
    let json = [b"{", rest].concat();
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use ninefold_core::time::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn event(text: String) -> Event {
        Event {
            seq: 7,
            at: Timestamp::from_secs(1_795_489_301),
            kind: EventKind::Notice { text },
        }
    }

    #[test]
    fn a_line_is_json_with_its_checksum() {
        let line = encode(&event("hello".to_owned()));
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(value["seq"], 7);
        assert_eq!(value["event"], "notice");
        assert_eq!(value["crc"].as_str().unwrap().len(), 8);
    }

    #[test]
    fn an_oversized_event_becomes_a_notice() {
        let line = encode(&event("x".repeat(LINE_MAX)));
        assert!(line.len() < 300);
        let read = decode(line.strip_suffix(b"\n").unwrap()).unwrap();
        assert_eq!(read.seq, 7);
        assert!(read.kind.to_string().contains("was not written"));
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read(text in ".{0,200}") {
            let event = event(text);
            let line = encode(&event);
            prop_assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
            prop_assert_eq!(decode(line.strip_suffix(b"\n").unwrap()), Some(event));
        }

        #[test]
        fn a_changed_byte_is_noticed(at in 0usize..1000, flip in 1u8..=255) {
            let event = event("some text that is long enough".to_owned());
            let mut line = encode(&event);
            line.pop();
            let at = at % line.len();
            line[at] ^= flip;
            // The hexadecimal digits of the checksum may change their case and mean the same.
            prop_assert!(decode(&line).is_none_or(|read| read == event));
        }

        #[test]
        fn any_bytes_are_bearable(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(decode(&bytes), None);
        }
    }
}
