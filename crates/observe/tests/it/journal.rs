//! The journal's files: reopening, damage, rotation, bounds, threads.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ninefold_core::event::{Event, EventKind};
use ninefold_core::time::Timestamp;
use ninefold_observe::journal::{Journal, JournalLimits, RECENT_MAX, read};
use proptest::prelude::*;

fn notice(text: &str) -> EventKind {
    EventKind::Notice {
        text: text.to_owned(),
    }
}

fn open(folder: &Path) -> (Journal, Vec<Event>) {
    Journal::open(folder, JournalLimits::default()).unwrap()
}

fn fill(folder: &Path, events: u64) -> Journal {
    let (journal, _) = open(folder);
    for number in 0..events {
        journal.record(
            Timestamp::from_secs(number),
            notice(&format!("event {number}")),
        );
    }
    journal
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

#[test]
fn events_come_back_and_numbers_go_on() {
    let folder = tempfile::tempdir().unwrap();
    drop(fill(folder.path(), 3));
    let (journal, events) = open(folder.path());
    assert_eq!(events.len(), 3);
    let event = journal
        .record_durable(Timestamp::from_secs(9), notice("more"))
        .unwrap();
    assert_eq!(event.seq, 4);
    assert_eq!(read(folder.path()).unwrap().last(), Some(&event));
    assert_eq!(journal.since(2, 10).len(), 2);
    assert_eq!(journal.since(0, 1), events[..1]);
    assert_eq!(journal.problem(), None);
}

#[test]
fn a_folder_that_is_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "x").unwrap();
    let error = Journal::open(&path, JournalLimits::default()).unwrap_err();
    assert!(error.to_string().contains("cannot be used"), "{error}");
    assert_eq!(read(&folder.path().join("absent")).unwrap(), []);
}

#[test]
fn a_damaged_line_is_skipped_and_told() {
    let folder = tempfile::tempdir().unwrap();
    drop(fill(folder.path(), 5));
    let [file] = files(folder.path()).try_into().unwrap();
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("event 2", "event X")).unwrap();
    let (journal, events) = open(folder.path());
    assert_eq!(events.len(), 5, "four events and a notice");
    assert!(
        events[4].kind.to_string().contains("1 damaged lines"),
        "{}",
        events[4].kind
    );
    assert_eq!(events[4].seq, 6);
    assert_eq!(journal.newest(), 6);
}

#[test]
fn files_rotate_within_their_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let limits = JournalLimits {
        file_bytes: 2_000,
        total_bytes: 8_000,
    };
    let (journal, _) = Journal::open(folder.path(), limits).unwrap();
    for number in 0..500 {
        journal.record(Timestamp::from_secs(number), notice("of some length"));
    }
    let files = files(folder.path());
    let sizes: Vec<u64> = files
        .iter()
        .map(|file| fs::metadata(file).unwrap().len())
        .collect();
    assert!(sizes.iter().all(|size| *size <= 2_000), "{sizes:?}");
    assert!(sizes.iter().sum::<u64>() <= 8_000, "{sizes:?}");
    assert!(files.len() >= 3, "{files:?}");
    let (_, events) = Journal::open(folder.path(), limits).unwrap();
    assert_eq!(events.last().unwrap().seq, 500);
    let first = events[0].seq;
    let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (first..=500).collect::<Vec<_>>());
}

#[test]
fn memory_is_bounded_and_callbacks_hear_everything() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    let heard = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&heard);
    journal.on_record(Box::new(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let journal = journal.clone();
            std::thread::spawn(move || {
                for number in 0..3_000 {
                    journal.record(Timestamp::from_secs(number), notice("x"));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(heard.load(Ordering::Relaxed), 12_000);
    let recent = journal.since(0, usize::MAX);
    assert_eq!(recent.len(), RECENT_MAX);
    assert!(recent.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq));
    assert_eq!(read(folder.path()).unwrap().len(), 12_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_cut_anywhere_loses_only_the_torn_line(cut in 0usize..2_000) {
        let folder = tempfile::tempdir().unwrap();
        drop(fill(folder.path(), 20));
        let [file] = files(folder.path()).try_into().unwrap();
        let bytes = fs::read(&file).unwrap();
        let cut = cut % (bytes.len() + 1);
        let whole = bytes[..cut].iter().filter(|byte| **byte == b'\n').count();
        let torn = cut > 0 && bytes[cut - 1] != b'\n';
        fs::write(&file, &bytes[..cut]).unwrap();
        let (journal, events) = open(folder.path());
        prop_assert_eq!(events.len(), whole + usize::from(torn));
        let next = journal.record(Timestamp::ZERO, notice("after"));
        let again = read(folder.path()).unwrap();
        prop_assert_eq!(again.len(), events.len() + 1);
        prop_assert_eq!(again.last(), Some(&next));
        prop_assert!(again.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    }

    #[test]
    fn any_bytes_are_bearable(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("journal-00000000000000000001.jsonl"), &bytes).unwrap();
        let (journal, events) = open(folder.path());
        prop_assert!(events.len() <= 1, "at most the notice: {:?}", events);
        journal.record(Timestamp::ZERO, notice("after"));
        let again = read(folder.path()).unwrap();
        prop_assert_eq!(again.len(), events.len() + 1);
    }
}
