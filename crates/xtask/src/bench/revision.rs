//! What was run.

use std::process::Command;

use crate::failure::Failure;
use crate::step::output;
use crate::workspace;

/// The commit, and whether `sources` are still as they were in it.
pub(super) fn revision(sources: &[&str]) -> Result<String, Failure> {
    let root = workspace::root()?;
    let git = |words: &[&str]| {
        let mut command = Command::new("git");
        output(command.args(words).current_dir(&root))
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let mut words = vec!["status", "--porcelain", "--"];
    words.extend(sources);
    let changed = !git(&words)?.trim().is_empty();
    let changes = if changed { " with changes" } else { "" };
    Ok(format!("{}{changes}", commit.trim()))
}
