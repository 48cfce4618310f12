//! `cargo xtask fix`: what a machine can put right.

use crate::failure::Failure;
use crate::step::{Steps, cargo};
use crate::verify::APART;

/// Applies clippy's suggestions, formats, and writes snapshots and generated files anew. What
/// changed is to be read before it is committed.
pub(crate) fn run() -> Result<(), Failure> {
    let mut steps = Steps::default();
    steps.command(
        "clippy's suggestions",
        &mut cargo(&[
            "clippy",
            "--fix",
            "--allow-dirty",
            "--allow-staged",
            "--workspace",
            "--all-targets",
        ])?,
    );
    steps.command("format", &mut cargo(&["fmt", "--all"])?);
    for manifest in APART {
        let apart = ["fmt", "--manifest-path", manifest];
        steps.command(&format!("format, {manifest}"), &mut cargo(&apart)?);
    }
    steps.command(
        "snapshots",
        cargo(&["test", "--workspace", "--no-fail-fast"])?.env("UPDATE_EXPECT", "1"),
    );
    steps.finish()
}
