//! The reaper: it undoes what its controller no longer can.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ninefold_chaos::ledger::{Entry, EntryState, Ledger, Undo};
use ninefold_chaos::process::{Presence, Process};
use ninefold_chaos::reaper::recover;
use rustix::process::Signal;
use tempfile::TempDir;

use super::fixture::{Victim, eventually, program, running, stopped};

/// A controller that stopped `victim`, and its reaper.
fn controller(ledger: &Path, victim: &Victim, ttl: Duration) -> (Victim, Process) {
    let mut child = Command::new(program())
        .args(["controller".as_ref(), ledger.as_os_str()])
        .args([victim.0.id().to_string(), ttl.as_millis().to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let reaper = line
        .trim()
        .strip_prefix("applied ")
        .unwrap()
        .parse()
        .unwrap();
    (Victim(child), Process::find(reaper).unwrap())
}

/// Kills the reaper that holds this ledger.
pub(crate) fn kill_reaper_of(ledger: &Path) {
    let ledger = ledger.canonicalize().unwrap();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = command.split(|byte| *byte == 0).collect();
        let is_reaper = words.get(1) == Some(&b"reaper".as_slice())
            && words.get(2) == Some(&ledger.as_os_str().as_encoded_bytes());
        if is_reaper {
            let pid = entry.file_name().to_str().unwrap().parse().unwrap();
            Process::find(pid).unwrap().signal(Signal::KILL).unwrap();
            return;
        }
    }
    panic!("no reaper holds {}", ledger.display());
}

fn undone(ledger: &Path, by: &str) {
    let entry = Ledger::open(ledger).unwrap().get("f-test").unwrap();
    assert_eq!(entry.state, EntryState::Undone);
    assert!(
        entry.notes.iter().any(|note| note.by.contains(by)),
        "{:?}",
        entry.notes
    );
}

#[test]
fn a_killed_controller_leaves_nothing_stopped_long_before_the_ttl() {
    let state = TempDir::new().unwrap();
    let victim = Victim::sleeping();
    let (mut controller, reaper) = controller(state.path(), &victim, Duration::from_secs(3_600));
    assert!(stopped(victim.process()));
    controller.0.kill().unwrap();
    eventually("the victim runs again", || running(victim.process()));
    eventually("the reaper ended", || reaper.presence() == Presence::Gone);
    undone(state.path(), "reaper: its controller ended");
}

#[test]
fn a_ttl_that_passes_ends_the_fault_under_a_living_controller() {
    let state = TempDir::new().unwrap();
    let victim = Victim::sleeping();
    let (controller, reaper) = controller(state.path(), &victim, Duration::from_millis(300));
    eventually("the victim runs again", || running(victim.process()));
    eventually("the reaper noted it", || {
        let entry = Ledger::open(state.path()).unwrap().get("f-test").unwrap();
        entry.state == EntryState::Undone
    });
    undone(state.path(), "reaper: its time to live passed");
    assert!(running(controller.process()) && running(reaper));
}

#[test]
fn a_terminated_reaper_undoes_before_it_ends() {
    let state = TempDir::new().unwrap();
    let victim = Victim::sleeping();
    let (_controller, reaper) = controller(state.path(), &victim, Duration::from_secs(3_600));
    assert!(reaper.signal(Signal::TERM).unwrap());
    eventually("the victim runs again", || running(victim.process()));
    eventually("the reaper ended", || reaper.presence() == Presence::Gone);
}

#[test]
fn with_both_dead_the_next_start_undoes() {
    let state = TempDir::new().unwrap();
    let victim = Victim::sleeping();
    let (mut controller, reaper) = controller(state.path(), &victim, Duration::from_secs(3_600));
    // While the controller lives its faults are its own affair.
    assert_eq!(recover(state.path()).unwrap().undone, []);
    assert!(stopped(victim.process()));
    reaper.signal(Signal::KILL).unwrap();
    eventually("the reaper ended", || reaper.presence() == Presence::Gone);
    controller.0.kill().unwrap();
    eventually("the controller ended", || {
        Process::find(controller.0.id()).is_none_or(|p| p.presence() == Presence::Gone)
    });
    assert!(stopped(victim.process()));
    let recovered = recover(state.path()).unwrap();
    assert_eq!(recovered.undone.len(), 1);
    assert_eq!(recovered.undone[0].0, "f-test");
    eventually("the victim runs again", || running(victim.process()));
    undone(state.path(), "recover");
    assert_eq!(recover(state.path()).unwrap().undone, []);
}

/// An entry of a controller that is gone.
fn orphan(id: &str, undo: Undo) -> Entry {
    let own = Process::own().unwrap();
    let gone = Process {
        pid: own.pid,
        start: own.start + 1,
    };
    let mut entry = Entry::new(id.to_owned(), "hang".to_owned(), gone);
    entry.undo = vec![undo];
    entry
}

#[test]
fn a_reused_pid_is_not_signalled() {
    let state = TempDir::new().unwrap();
    let victim = Victim::sleeping();
    let real = victim.process();
    real.signal(Signal::STOP).unwrap();
    eventually("the victim is stopped", || stopped(real));
    let other = Process {
        start: real.start + 1,
        ..real
    };
    assert!(!other.signal(Signal::KILL).unwrap());
    assert!(!other.signal_group(Signal::KILL).unwrap());
    let ledger = Ledger::open(state.path()).unwrap();
    ledger
        .plan(&orphan(
            "a",
            Undo::Resume {
                leader: other,
                members: vec![other],
            },
        ))
        .unwrap();
    ledger
        .plan(&orphan(
            "b",
            Undo::Stop {
                process: other,
                grace_ns: 0,
            },
        ))
        .unwrap();
    let recovered = recover(state.path()).unwrap();
    assert_eq!(recovered.undone.len(), 2);
    assert!(
        recovered
            .undone
            .iter()
            .all(|(_, what)| what[0].contains("is gone"))
    );
    assert!(stopped(real));
}

#[test]
fn an_up_of_its_own_is_stopped_with_the_controller() {
    let state = TempDir::new().unwrap();
    let up = Victim::sleeping();
    let ledger = Ledger::open(state.path()).unwrap();
    let stop = Undo::Stop {
        process: up.process(),
        grace_ns: 5_000_000_000,
    };
    ledger.plan(&orphan("up", stop)).unwrap();
    let process = up.process();
    let recovered = recover(state.path()).unwrap();
    assert_eq!(process.presence(), Presence::Gone);
    assert!(recovered.undone[0].1[0].contains("ended after SIGTERM"));
}
