//! The fixture program, processes that die with their test, and waiting for conditions.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use ninefold_chaos::process::{Presence, Process};

/// `examples/fixture`, which cargo builds for the tests.
pub(crate) fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().unwrap().parent().unwrap();
    let program = profile.join("examples").join("fixture");
    assert!(
        program.exists(),
        "{} is missing: run `cargo build -p ninefold-chaos --examples`",
        program.display()
    );
    program
}

/// The command of the reaper, without the ledger.
pub(crate) fn reaper() -> Vec<OsString> {
    vec![program().into(), "reaper".into()]
}

/// A child that is killed with its test.
pub(crate) struct Victim(pub(crate) Child);

impl Victim {
    /// A process in a group of its own that does nothing.
    pub(crate) fn sleeping() -> Self {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new("sleep");
        Self(command.arg("600").process_group(0).spawn().unwrap())
    }

    pub(crate) fn process(&self) -> Process {
        Process::find(self.0.id()).unwrap()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Waits for a condition, within a deadline that only a defect reaches.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn stopped(process: Process) -> bool {
    process.presence() == Presence::Stopped
}

pub(crate) fn running(process: Process) -> bool {
    process.presence() == Presence::Running
}

/// [`eventually`] for tests with a runtime.
pub(crate) async fn eventually_async(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
