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
        let build = ["test", "--locked", "--workspace", "--no-run"];
        if steps.command("build", &mut cargo(&build)?) {
            let test = ["test", "--locked", "--workspace", "--no-fail-fast"];
            steps.command("test", &mut cargo(&test)?);
            library(&mut steps)?;
        }
    }
    steps.finish()
}

/// The library with all its features and with none, which no other crate asks for, and every
/// interleaving of the small models of what it does without locks.
fn library(steps: &mut Steps) -> Result<(), Failure> {
    let features = [
        ("test the library with all features", "--all-features"),
        ("test the library without features", "--no-default-features"),
    ];
    for (name, features) in features {
        let test = ["test", "--locked", "--package", "ninefold", features];
        steps.command(name, &mut cargo(&test)?);
    }
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
