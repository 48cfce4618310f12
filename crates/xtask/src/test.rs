//! `cargo xtask test`: from a fresh Debian machine to every test.

use crate::failure::Failure;
use crate::setup;
use crate::step::{Steps, cargo};
use crate::verify;

/// Sets up, builds, verifies and tests.
///
/// Everything is built in one profile with one set of features: the tests' programs and the
/// programs they start come from the same build, which `cargo test --no-run` makes in whole.
pub(crate) fn run() -> Result<(), Failure> {
    let mut steps = Steps::default();
    if steps.step("set up", setup::for_tests) {
        verify::add(&mut steps)?;
        let build = ["test", "--no-run"];
        if steps.command("build", cargo(&build)?.args(verify::WHOLE)) {
            let test = ["test", "--no-fail-fast"];
            steps.command("test", cargo(&test)?.args(verify::WHOLE));
            library(&mut steps)?;
        }
    }
    steps.finish()
}

/// The library without its features, and every interleaving of the small models of what it does
/// without locks.
fn library(steps: &mut Steps) -> Result<(), Failure> {
    let bare = [
        "test",
        "--locked",
        "--package",
        "ninefold",
        "--no-default-features",
    ];
    steps.command("test the library without features", &mut cargo(&bare)?);
    let models = [
        "test",
        "--locked",
        "--package",
        "ninefold-core",
        "--lib",
        "--release",
        "loom_tests",
    ];
    // Another configuration of all that it is built from, so in a folder of its own.
    let mut models = cargo(&models)?;
    models
        .env("RUSTFLAGS", "--cfg loom")
        .env("CARGO_TARGET_DIR", "target/loom")
        .env("CARGO_PROFILE_RELEASE_LTO", "off");
    steps.command("every interleaving", &mut models);
    Ok(())
}
