//! The journal on disk: any bytes are bearable, what is read stays read, and writing goes on.
#![no_main]

use std::sync::LazyLock;

use ninefold_core::event::{Event, EventKind};
use ninefold_core::time::Timestamp;
use ninefold_fuzz::Scratch;
use ninefold_observe::journal::{Journal, JournalLimits, read};

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::new);

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let lines: Vec<Vec<u8>> = input.split(|b| *b == b'\n').map(sealed).collect();
    let file = SCRATCH.file("journal-00000000000000000001.jsonl", &lines.join(&b'\n'));
    let folder = file.parent().expect("it is in a folder");
    let before = read(folder).expect("damage is no error");
    let (journal, events) = Journal::open(folder, JournalLimits::default()).expect("nor here");
    assert!(events.starts_with(&before));
    let newest = events.iter().map(|event| event.seq).max().unwrap_or(0);
    if newest == u64::MAX {
        // Nothing follows on that; no journal lives so long.
        return;
    }
    let text = "after it all".to_owned();
    let written = journal.record(Timestamp::from_secs(1), EventKind::Notice { text });
    assert!(written.seq > newest);
    let after = read(folder).expect("nor now");
    assert_eq!(after, [events, vec![written]].concat());
    assert_written(&after);
});

/// A line that begins as JSON does gets the checksum that it would have been given.
fn sealed(line: &[u8]) -> Vec<u8> {
    match line.strip_prefix(b"{") {
        Some(rest) if !line.starts_with(b"{\"crc\"") => {
            let head = format!("{{\"crc\":\"{:08x}\",", crc32fast::hash(rest));
            [head.as_bytes(), rest].concat()
        }
        _ => line.to_vec(),
    }
}

/// Every event can be told, and written as it was read.
fn assert_written(events: &[Event]) {
    for event in events {
        drop(event.kind.to_string());
        let json = serde_json::to_vec(event).expect("an event is JSON");
        let again: Event = serde_json::from_slice(&json).expect("and an event again");
        assert_eq!(*event, again);
    }
}
