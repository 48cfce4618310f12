//! `cargo xtask verify`: everything that reading the tree can tell.

use crate::failure::Failure;
use crate::step::{Steps, cargo};
use crate::tidy;

/// Workspaces of their own, whose peers are not fetched for this.
pub(crate) const APART: [&str; 6] = [
    "benches/availability/Cargo.toml",
    "benches/behaviour/Cargo.toml",
    "benches/membership/Cargo.toml",
    "benches/pingora/Cargo.toml",
    "benches/policies/Cargo.toml",
    crate::fuzz::MANIFEST,
];

/// What builds the library with all it has. One set of features for the whole workspace, so that
/// nothing is built twice.
pub(crate) const WHOLE: [&str; 4] = ["--locked", "--workspace", "--features", "ninefold/full"];

/// The features of the library, each of which must do without the others.
const LIBRARY: [&str; 5] = ["", "tower", "tokio", "http", "prometheus"];

/// Runs it as a command of its own.
pub(crate) fn run() -> Result<(), Failure> {
    let mut steps = Steps::default();
    add(&mut steps)?;
    steps.finish()
}

/// Adds its steps. None of them writes outside `target`; `--locked` keeps the lock file as it is.
pub(crate) fn add(steps: &mut Steps) -> Result<(), Failure> {
    steps.command("format", &mut cargo(&["fmt", "--all", "--check"])?);
    for manifest in APART {
        let apart = ["fmt", "--check", "--manifest-path", manifest];
        steps.command(&format!("format, {manifest}"), &mut cargo(&apart)?);
    }
    steps.step("tidy", tidy::run);
    let rules = ["--all-targets", "--", "-D", "warnings"];
    steps.command("clippy", cargo(&["clippy"])?.args(WHOLE).args(rules));
    for features in LIBRARY {
        let library = ["clippy", "--locked", "--package", "ninefold"];
        let only = ["--no-default-features", "--features", features];
        let name = match features {
            "" => "clippy, the library alone".to_owned(),
            features => format!("clippy, the library with {features}"),
        };
        steps.command(&name, cargo(&library)?.args(only).args(rules));
    }
    let doc = ["doc", "--no-deps"];
    steps.command(
        "documentation",
        cargo(&doc)?.args(WHOLE).env("RUSTDOCFLAGS", "-D warnings"),
    );
    Ok(())
}
