//! Steps of a command, each with its time.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::{Failure, While};
use crate::say;

/// Steps in a row; the first that fails ends them.
#[derive(Debug, Default)]
pub(crate) struct Steps(Vec<(String, Duration)>);

impl Steps {
    /// Does one step.
    pub(crate) fn step(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        say::progress(&format!("── {name}"));
        let begun = Instant::now();
        let result = work();
        self.0.push((name.to_owned(), begun.elapsed()));
        result.map_err(|why| Failure::new(format!("{name}: {why}")))
    }

    /// One step that is a command.
    pub(crate) fn command(&mut self, name: &str, command: &mut Command) -> Result<(), Failure> {
        self.step(name, || run(command))
    }

    /// Prints what took how long.
    pub(crate) fn summary(&self) {
        let width = self.0.iter().map(|(name, _)| name.len()).max();
        let width = width.unwrap_or_default().max("in all".len());
        let total: Duration = self.0.iter().map(|(_, took)| *took).sum();
        let rows = self.0.iter().map(|(name, took)| (name.as_str(), *took));
        for (name, took) in rows.chain([("in all", total)]) {
            say::progress(&format!("{name:width$}  {:7.1} s", took.as_secs_f64()));
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
