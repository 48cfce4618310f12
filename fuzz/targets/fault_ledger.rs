//! The ledger of faults on disk: a file is an entry or damaged, and nothing else.
#![no_main]

use std::sync::LazyLock;

use ninefold_chaos::ledger::Ledger;
use ninefold_fuzz::Scratch;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::new);

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let json = input.split(|b| *b == b'\n').next().unwrap_or_default();
    let sum = format!("\n{:08x}\n", crc32fast::hash(json));
    for content in [input, &[json, sum.as_bytes()].concat()] {
        let file = SCRATCH.file("f-1.json", content);
        let ledger = Ledger::open(file.parent().expect("a folder")).expect("it opens");
        let contents = ledger.contents().expect("damage is no error");
        assert_eq!(contents.entries.len() + contents.damaged.len(), 1);
        let open = ledger.open_entries().expect("nor here");
        assert!(open.len() <= contents.entries.len());
        for entry in &contents.entries {
            let json = serde_json::to_vec(entry).expect("an entry is JSON");
            assert_eq!(
                serde_json::from_slice::<ninefold_chaos::ledger::Entry>(&json)
                    .ok()
                    .as_ref(),
                Some(entry)
            );
        }
        // Whatever an entry calls itself, it leads out of no folder.
        for entry in &contents.entries {
            drop(ledger.get(&entry.id));
        }
    }
});
