//! The `ninefold` that a bench runs, in a folder with its file.

use std::path::PathBuf;

use tokio::process::Command;

use crate::problem::{Problem, While};

/// The name of the file in the folder.
pub(crate) const FILE: &str = "ninefold.toml";

/// A program and its folder. What runs there is stopped in order when this value goes away.
#[derive(Debug)]
pub(crate) struct Ninefold {
    pub(crate) program: PathBuf,
    pub(crate) folder: PathBuf,
}

impl Ninefold {
    /// Runs a command; what it prints, if it succeeds.
    pub(crate) async fn run(&self, words: &[&str]) -> Result<String, Problem> {
        let output = Command::new(&self.program)
            .args(words)
            .current_dir(&self.folder)
            .output()
            .await
            .while_("run ninefold")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            let said = text(&output.stdout) + &text(&output.stderr);
            Err(format!("`ninefold {}`: {}", words.join(" "), said.trim()))
        }
    }
}

impl Drop for Ninefold {
    fn drop(&mut self) {
        let stopped = std::process::Command::new(&self.program)
            .args(["stop", FILE])
            .current_dir(&self.folder)
            .output();
        if let Err(why) = stopped {
            eprintln!("cannot stop ninefold: {why}");
        }
    }
}
