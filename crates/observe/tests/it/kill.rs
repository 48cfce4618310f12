//! SIGKILL in the middle of writing.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use ninefold_observe::journal::{Journal, JournalLimits};

/// Cargo builds the examples beside the folder of the tests.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().unwrap().parent().unwrap().join("examples");
    let path = built.join(name);
    assert!(path.exists(), "{} is not built", path.display());
    path
}

#[test]
fn a_killed_writer_loses_nothing_it_recorded() {
    for round in 0..5u64 {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(example("journal_writer"))
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut recorded = 0u64;
        let mut line = String::new();
        while recorded < 200 + round * 137 {
            line.clear();
            output.read_line(&mut line).unwrap();
            recorded = line.trim().parse().unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it printed before it died was recorded before it was printed.
        for line in output.lines().map_while(Result::ok) {
            recorded = line.parse().unwrap_or(recorded);
        }
        let (journal, events) = Journal::open(folder.path(), JournalLimits::default()).unwrap();
        let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
        let newest = *numbers.last().unwrap();
        assert!(newest >= recorded, "{newest} of {recorded}");
        assert_eq!(numbers, (1..=newest).collect::<Vec<_>>());
        assert_eq!(journal.newest(), newest);
    }
}
