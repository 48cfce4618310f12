//! Processes of the bench, never left behind.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::failure::{Failure, While};
use crate::setup;

/// A process pinned to one core. It is ended when this value goes away; and when the bench itself
/// dies, in whatever way, the kernel sends it SIGTERM (`prctl(2)`, PR_SET_PDEATHSIG).
#[derive(Debug)]
pub(super) struct Pinned {
    child: Child,
}

impl Pinned {
    /// Starts it with its outputs in a file.
    pub(super) fn start(core: usize, words: &[&str], log: &Path) -> Result<Self, Failure> {
        let shown = words.first().copied().unwrap_or_default();
        let file = std::fs::File::create(log).while_(&format!("write {}", log.display()))?;
        let errors = file.try_clone().while_("share the log")?;
        let child = command(core, words)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .spawn()
            .while_(&format!("start {shown}"))?;
        Ok(Self { child })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended by itself.
    pub(super) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // SIGTERM first: nginx's master takes its worker along. Whoever is deaf to it is killed.
        let pid = self.pid().to_string();
        let asked = Command::new("kill")
            .args(["-TERM", &pid])
            .stderr(Stdio::null())
            .status();
        let mut patience = if asked.is_ok_and(|status| status.success()) {
            PATIENCE_STEPS
        } else {
            0
        };
        while patience > 0 && self.runs() {
            std::thread::sleep(std::time::Duration::from_millis(20));
            patience -= 1;
        }
        if self.runs() {
            drop(self.child.kill());
        }
        drop(self.child.wait());
    }
}

/// How often 20 ms are waited for an end after SIGTERM.
const PATIENCE_STEPS: u32 = 150;

/// A command line pinned to one core, with the death signal set.
pub(super) fn command(core: usize, words: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "taskset", "-c", &core.to_string()]);
    let (program, rest) = words.split_first().unwrap_or((&"", &[]));
    match setup::find(program) {
        Some(path) => command.arg(path),
        None => command.arg(program),
    };
    command.args(rest);
    command
}
