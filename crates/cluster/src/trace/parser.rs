use ninefold_core::time::Timestamp;

use super::{Problem, Step, TraceError};

/// Bytes of a line at most, its end included.
pub const LINE_BYTES_MAX: usize = 256;

/// Microseconds that fit into a timestamp of nanoseconds.
const MICROS_END: u64 = u64::MAX / 1_000;

/// What is shown of a wrong value.
const SHOWN: usize = 40;

/// Reads a trace line by line. It keeps nothing but the form of the rows and the newest time.
#[derive(Clone, Debug, Default)]
pub struct TraceParser {
    line: u64,
    form: Option<Form>,
    /// Rows so far, which number arrivals.
    rows: u64,
    /// Microseconds.
    newest: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Numbered,
    Arrivals,
}

impl TraceParser {
    /// For a trace from its first line on.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next line, with or without its end.
    ///
    /// # Errors
    ///
    /// Where it is no row. A later line can be read all the same.
    pub fn line(&mut self, line: &[u8]) -> Result<Option<Step>, TraceError> {
        self.line = self.line.saturating_add(1);
        self.step(line).map_err(|problem| TraceError {
            line: self.line,
            problem,
        })
    }

    fn step(&mut self, line: &[u8]) -> Result<Option<Step>, Problem> {
        if line.len() > LINE_BYTES_MAX {
            return Err(Problem::TooLong {
                limit: LINE_BYTES_MAX,
            });
        }
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(None);
        }
        let mut fields: [&[u8]; 3] = [&[]; 3];
        let mut found = 0;
        for field in line.split(|byte| *byte == b',') {
            if let Some(slot) = fields.get_mut(found) {
                *slot = field.trim_ascii();
            }
            found += 1;
        }
        let [first, second, third] = fields;
        if first == b"stall" && found == 3 {
            return self.stall(second, third).map(Some);
        }
        let form = match self.form {
            Some(form) => form,
            None if first.first().is_some_and(u8::is_ascii_digit) => match found {
                1 => Form::Arrivals,
                _ => Form::Numbered,
            },
            None => {
                self.form = Some(heading(line, fields, found)?);
                return Ok(None);
            }
        };
        let expected = match form {
            Form::Numbered => 3,
            Form::Arrivals => 1,
        };
        if found != expected {
            return Err(Problem::Fields {
                value: shown(line),
                found,
                expected,
            });
        }
        self.form = Some(form);
        let step = match form {
            Form::Numbered => self.heartbeat(number(first, "seq")?, second, third),
            Form::Arrivals => self.heartbeat(self.rows, &[], first),
        }?;
        self.rows = self.rows.saturating_add(1);
        Ok(Some(step))
    }

    fn heartbeat(&mut self, seq: u64, sent: &[u8], arrived: &[u8]) -> Result<Step, Problem> {
        let sent = match sent {
            [] => None,
            sent => Some(timestamp(micros(sent, "sent_us")?)),
        };
        let arrived = self.at("arrived_us", micros(arrived, "arrived_us")?)?;
        Ok(Step::Heartbeat { seq, sent, arrived })
    }

    fn stall(&mut self, from: &[u8], to: &[u8]) -> Result<Step, Problem> {
        let (from, to) = (micros(from, "from_us")?, micros(to, "to_us")?);
        if to < from {
            return Err(Problem::Backwards {
                value: to,
                name: "to_us",
                before: from,
            });
        }
        let to = self.at("to_us", to)?;
        let from = timestamp(from);
        Ok(Step::Stall { from, to })
    }

    /// A time that is not before those above.
    fn at(&mut self, name: &'static str, value: u64) -> Result<Timestamp, Problem> {
        if value < self.newest {
            return Err(Problem::Backwards {
                value,
                name,
                before: self.newest,
            });
        }
        self.newest = value;
        Ok(timestamp(value))
    }
}

fn heading(line: &[u8], fields: [&[u8]; 3], found: usize) -> Result<Form, Problem> {
    match (fields, found) {
        ([b"seq", b"sent_us", b"arrived_us"], 3) => Ok(Form::Numbered),
        ([b"arrived_us", ..], 1) => Ok(Form::Arrivals),
        _ => Err(Problem::Heading(shown(line))),
    }
}

const fn timestamp(micros: u64) -> Timestamp {
    Timestamp::from_nanos(micros.saturating_mul(1_000))
}

fn micros(field: &[u8], name: &'static str) -> Result<u64, Problem> {
    let value = number(field, name)?;
    if value > MICROS_END {
        return Err(too_large(field, name));
    }
    Ok(value)
}

fn number(field: &[u8], name: &'static str) -> Result<u64, Problem> {
    let mut value = 0u64;
    for byte in field {
        if !byte.is_ascii_digit() {
            return Err(no_number(field, name));
        }
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(u64::from(byte - b'0')))
            .ok_or_else(|| too_large(field, name))?;
    }
    if field.is_empty() {
        return Err(no_number(field, name));
    }
    Ok(value)
}

fn no_number(field: &[u8], name: &'static str) -> Problem {
    Problem::Number {
        value: shown(field),
        name,
    }
}

fn too_large(field: &[u8], name: &'static str) -> Problem {
    Problem::TooLarge {
        value: shown(field),
        name,
        limit: MICROS_END,
    }
}

/// What a person needs to find it again, without what a terminal would obey.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut shown: String = text
        .chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Vec<Step>, String> {
        let mut parser = TraceParser::new();
        let steps = text.lines().map(|line| parser.line(line.as_bytes()));
        let steps: Result<Vec<Option<Step>>, TraceError> = steps.collect();
        steps
            .map(|steps| steps.into_iter().flatten().collect())
            .map_err(|error| error.to_string())
    }

    fn heartbeat(seq: u64, sent: Option<u64>, arrived: u64) -> Step {
        Step::Heartbeat {
            seq,
            sent: sent.map(timestamp),
            arrived: timestamp(arrived),
        }
    }

    #[test]
    fn both_forms_are_read_with_and_without_a_heading() {
        let numbered = [
            heartbeat(1, Some(1_000), 1_200),
            heartbeat(3, None, 3_300),
            Step::Stall {
                from: timestamp(3_400),
                to: timestamp(3_900),
            },
            heartbeat(2, Some(2_000), 3_900),
        ];
        let rows = "1,1000,1200\r\n# lost: 2\n\n3, ,3300\nstall,3400,3900\n2,2000,3900";
        assert_eq!(read(rows).unwrap(), numbered);
        assert_eq!(
            read(&format!("seq, sent_us ,arrived_us\n{rows}")).unwrap(),
            numbered
        );
        let arrivals = [heartbeat(0, None, 7), heartbeat(1, None, 7)];
        assert_eq!(read("7\n7").unwrap(), arrivals);
        assert_eq!(read("\narrived_us\n7\n7").unwrap(), arrivals);
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn what_is_wrong_is_told_with_line_value_and_remedy() {
        let wrong = [
            (
                "a,b,c",
                "line 1: `a,b,c` is no heading of a trace; begin with `seq,sent_us,arrived_us`, with `arrived_us`, or with the first row",
            ),
            (
                "1,2,3\n4,5",
                "line 2: `4,5` has 2 fields where rows have 3; all rows of a trace have one form",
            ),
            (
                "1\n2,3,4",
                "line 2: `2,3,4` has 3 fields where rows have 1; all rows of a trace have one form",
            ),
            (
                "1,2",
                "line 1: `1,2` has 2 fields where rows have 3; all rows of a trace have one form",
            ),
            (
                "1,2,3,4",
                "line 1: `1,2,3,4` has 4 fields where rows have 3; all rows of a trace have one form",
            ),
            (
                "1,2,x\u{7}y",
                "line 1: `x?y` is no arrived_us; write a whole number, as in `1700000`",
            ),
            (
                "1,-2,3",
                "line 1: `-2` is no sent_us; write a whole number, as in `1700000`",
            ),
            (
                "1,2,",
                "line 1: `` is no arrived_us; write a whole number, as in `1700000`",
            ),
            (
                "99999999999999999999,1,1",
                "line 1: seq `99999999999999999999` is too large; times are microseconds, up to 18446744073709551",
            ),
            (
                "1,1,18446744073709552",
                "line 1: arrived_us `18446744073709552` is too large; times are microseconds, up to 18446744073709551",
            ),
            (
                "9\n8",
                "line 2: arrived_us 8 is before 9 of a row above it; record with a monotonic clock, and sort rows by arrival",
            ),
            (
                "stall,9,8",
                "line 1: to_us 8 is before 9 of a row above it; record with a monotonic clock, and sort rows by arrival",
            ),
            (
                "5\nstall,1,4",
                "line 2: to_us 4 is before 5 of a row above it; record with a monotonic clock, and sort rows by arrival",
            ),
        ];
        for (text, expected) in wrong {
            assert_eq!(read(text).unwrap_err(), expected, "{text}");
        }
        let long = "1".repeat(LINE_BYTES_MAX + 1);
        assert!(read(&long).unwrap_err().contains("more than 256 bytes"));
        let shown = read(&format!("{}x", "1".repeat(100))).unwrap_err();
        assert!(shown.contains(&format!("`{}…`", "1".repeat(40))), "{shown}");
    }

    proptest! {
        #[test]
        fn anything_can_be_read(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let mut parser = TraceParser::new();
            for line in &lines {
                drop(parser.line(line));
            }
        }

        #[test]
        fn what_is_written_is_read_again(
            rows in prop::collection::vec((any::<u64>(), prop::option::of(0..MICROS_END), 0u64..1 << 40), 1..50),
        ) {
            let mut at = 0;
            let steps: Vec<Step> = rows
                .iter()
                .map(|(seq, sent, gap)| {
                    at += gap;
                    heartbeat(*seq, *sent, at)
                })
                .collect();
            let text: String = steps.iter().map(|step| format!("{step}\n")).collect();
            prop_assert_eq!(read(&text).unwrap(), steps);
        }
    }
}
