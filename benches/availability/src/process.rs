//! Processes of the bench, never left behind.

use std::fs::{File, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::problem::{Problem, While};

/// A process in a group of its own. The whole group is killed when this value goes away; and when
/// the bench itself dies, in whatever way, the kernel sends the process SIGTERM (`prctl(2)`,
/// PR_SET_PDEATHSIG).
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts it; what it says goes to the end of a file.
    pub(crate) fn start(words: &[String], log: &Path) -> Result<Self, Problem> {
        let log = open(log)?;
        let errors = log.try_clone().while_("share the log")?;
        Self::spawn(words, log.into(), errors.into())
    }

    /// Starts it; what it says can be read.
    pub(crate) fn start_piped(words: &[String]) -> Result<(Self, ChildStdout), Problem> {
        let mut process = Self::spawn(words, Stdio::piped(), Stdio::inherit())?;
        let said = process.child.stdout.take();
        let said = said.ok_or_else(|| "a process has no output".to_owned())?;
        Ok((process, said))
    }

    fn spawn(words: &[String], output: Stdio, errors: Stdio) -> Result<Self, Problem> {
        let shown = words.first().map_or("nothing", String::as_str);
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM"])
            .args(words)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn();
        let child = child.while_(&format!("start {shown}"))?;
        Ok(Self { child })
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Signals the process, not its group.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Problem> {
        kill_process(self.pid()?, signal).while_("signal a process")
    }

    /// Whether it has not ended by itself.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn pid(&self) -> Result<Pid, Problem> {
        let pid = i32::try_from(self.child.id()).while_("read a pid")?;
        Pid::from_raw(pid).ok_or_else(|| "a pid is none".to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Once it was waited for, its number may be another's.
        if self.runs()
            && let Ok(pid) = self.pid()
            && let Err(why) = kill_process_group(pid, Signal::KILL)
        {
            eprintln!("cannot kill a process: {why}");
        }
        drop(self.child.wait());
    }
}

fn open(log: &Path) -> Result<File, Problem> {
    let file = OpenOptions::new().create(true).append(true).open(log);
    file.while_(&format!("write {}", log.display()))
}
