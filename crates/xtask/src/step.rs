//! Steps of a command, each with its time.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::{Failure, While};
use crate::say;

/// Steps in a row. A failed step is said at once and counted at the end; the next ones still run,
/// so that one run shows all that is wrong.
#[derive(Debug, Default)]
pub(crate) struct Steps(Vec<Done>);

#[derive(Debug)]
struct Done {
    name: String,
    took: Duration,
    failed: bool,
}

impl Steps {
    /// Does one step; whether it went well.
    pub(crate) fn step(&mut self, name: &str, work: impl FnOnce() -> Result<(), Failure>) -> bool {
        say::progress(&format!("── {name}"));
        let begun = Instant::now();
        let result = work();
        if let Err(why) = &result {
            say::error(&why.to_string());
        }
        self.0.push(Done {
            name: name.to_owned(),
            took: begun.elapsed(),
            failed: result.is_err(),
        });
        result.is_ok()
    }

    /// One step that is a command.
    pub(crate) fn command(&mut self, name: &str, command: &mut Command) -> bool {
        self.step(name, || run(command))
    }

    /// Prints what took how long, and fails if any step did.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let width = self.0.iter().map(|done| done.name.len()).max();
        let width = width.unwrap_or_default().max("in all".len());
        let total: Duration = self.0.iter().map(|done| done.took).sum();
        for done in &self.0 {
            let end = if done.failed { "  FAILED" } else { "" };
            let seconds = done.took.as_secs_f64();
            say::progress(&format!("{:width$}  {seconds:7.1} s{end}", done.name));
        }
        say::progress(&format!(
            "{:width$}  {:7.1} s",
            "in all",
            total.as_secs_f64()
        ));
        let failed = self.0.iter().filter(|done| done.failed);
        let failed: Vec<&str> = failed.map(|done| done.name.as_str()).collect();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(Failure::new(format!("failed: {}", failed.join(", "))))
        }
    }
}

/// `cargo`, the same that runs this, in the workspace's root.
pub(crate) fn cargo(arguments: &[&str]) -> Result<Command, Failure> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(crate::workspace::root()?);
    Ok(command)
}

/// Runs a command with our own input and outputs.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let name = line(command);
    let status = command.status().while_(&format!("run `{name}`"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("`{name}` failed ({status})")))
    }
}

/// The standard output of a command that must succeed.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let name = line(command);
    let output = command.output().while_(&format!("run `{name}`"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    Err(Failure::new(format!(
        "`{name}` failed ({}): {said}",
        output.status
    )))
}

fn line(command: &Command) -> String {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_runs_and_the_failed_are_named() {
        let mut steps = Steps::default();
        assert!(steps.step("one", || Ok(())));
        assert!(!steps.command("two", &mut Command::new("false")));
        assert!(!steps.command("three", &mut Command::new("no-such-program-anywhere")));
        assert!(steps.command("four", &mut Command::new("true")));
        let why = steps.finish().unwrap_err();
        assert_eq!(why.to_string(), "failed: two, three");
        assert!(Steps::default().finish().is_ok());
    }
}
