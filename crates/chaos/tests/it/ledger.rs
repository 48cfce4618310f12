//! The ledger on disk.

use ninefold_chaos::ledger::{Entry, EntryState, Ledger, LedgerError, Undo};
use ninefold_chaos::process::Process;
use ninefold_chaos::reaper::recover;
use tempfile::TempDir;

fn entry(id: &str) -> Entry {
    let own = Process::own().unwrap();
    let mut entry = Entry::new(id.to_owned(), "hang".to_owned(), own);
    entry.undo = vec![Undo::Resume {
        leader: own,
        members: vec![own],
    }];
    entry
}

#[test]
fn an_entry_is_read_as_it_was_written_and_changes_its_state() {
    let folder = TempDir::new().unwrap();
    let ledger = Ledger::open(&folder.path().join("chaos/ledger")).unwrap();
    let mut written = entry("f-1");
    ledger.plan(&written).unwrap();
    assert_eq!(ledger.open_entries().unwrap(), [written.clone()]);
    ledger.applied("f-1").unwrap();
    written.state = EntryState::Applied;
    assert_eq!(
        Ledger::open(ledger.folder()).unwrap().get("f-1").unwrap(),
        written
    );
}

#[test]
fn damaged_files_are_set_aside_and_the_others_still_hold() {
    let folder = TempDir::new().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    ledger.plan(&entry("good")).unwrap();
    ledger.plan(&entry("flipped")).unwrap();
    let path = folder.path().join("flipped.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("hang", "kill")).unwrap();
    std::fs::write(folder.path().join("empty.json"), "").unwrap();
    std::fs::write(folder.path().join("noise.json"), [0xff, 0x00, 0x0a]).unwrap();
    std::fs::write(folder.path().join("half.new"), &text[..40]).unwrap();
    assert_eq!(ledger.contents().unwrap().damaged.len(), 3);
    assert_eq!(ledger.open_entries().unwrap().len(), 1);
    let recovered = recover(folder.path()).unwrap();
    assert_eq!(recovered.damaged.len(), 3);
    assert!(ledger.contents().unwrap().damaged.is_empty());
    assert!(folder.path().join("flipped.damaged").exists());
}

#[test]
fn an_id_that_would_leave_the_folder_is_refused() {
    let folder = TempDir::new().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    for bad in ["", "../x", "a/b", "A", "a.b", &"a".repeat(101)] {
        assert!(
            matches!(ledger.plan(&entry(bad)), Err(LedgerError::Id(_))),
            "{bad}"
        );
    }
    assert!(matches!(ledger.get("none"), Err(LedgerError::Missing(_))));
}

#[test]
fn no_folder_is_an_empty_ledger_and_a_file_in_its_place_an_error() {
    let folder = TempDir::new().unwrap();
    let nothing = recover(&folder.path().join("none")).unwrap();
    assert!(nothing.undone.is_empty());
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(matches!(
        Ledger::open(&file.join("x")),
        Err(LedgerError::Io { .. })
    ));
}

#[test]
fn what_touches_no_process_is_left_alone_when_its_owner_is_gone() {
    let folder = TempDir::new().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    // A process that there is not: the same pid, begun at another time.
    let own = Process::own().unwrap();
    let gone = Process {
        start: own.start + 1,
        ..own
    };
    let plan = |id: &str, owner, undo: Vec<Undo>| {
        let entry = Entry {
            owner,
            undo,
            ..entry(id)
        };
        ledger.plan(&entry).unwrap();
    };
    let resume = entry("any").undo;
    plan("ours", own, Vec::new());
    plan("nobodys", gone, Vec::new());
    plan("stopped", gone, resume);
    assert!(!ledger.left_alone("ours"));
    assert!(ledger.left_alone("nobodys"));
    assert!(!ledger.left_alone("stopped"), "somebody has to resume it");
    assert!(!ledger.left_alone("none"));
    let undone = recover(folder.path()).unwrap().undone;
    assert_eq!(undone.len(), 2);
    assert!(!ledger.left_alone("nobodys"), "it is undone");
    assert_eq!(ledger.undone_by_another("nobodys").unwrap(), "recover");
}
