//! `cargo xtask verify`: everything that reading the tree can tell.

use crate::failure::Failure;
use crate::step::{Steps, cargo};
use crate::tidy;

/// Workspaces of their own, whose peers are not fetched for this.
pub(crate) const BENCHES: [&str; 2] = [
    "benches/behaviour/Cargo.toml",
    "benches/policies/Cargo.toml",
];

/// Runs it as a command of its own.
pub(crate) fn run() -> Result<(), Failure> {
    let mut steps = Steps::default();
    add(&mut steps)?;
    steps.finish()
}

/// Adds its steps. None of them writes outside `target`; `--locked` keeps the lock file as it is.
pub(crate) fn add(steps: &mut Steps) -> Result<(), Failure> {
    steps.command("format", &mut cargo(&["fmt", "--all", "--check"])?);
    for manifest in BENCHES {
        let bench = ["fmt", "--check", "--manifest-path", manifest];
        steps.command(&format!("format, {manifest}"), &mut cargo(&bench)?);
    }
    steps.step("tidy", tidy::run);
    steps.command(
        "clippy",
        &mut cargo(&[
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])?,
    );
    steps.command(
        "documentation",
        cargo(&["doc", "--locked", "--no-deps", "--workspace"])?.env("RUSTDOCFLAGS", "-D warnings"),
    );
    Ok(())
}
