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
        }
    }
    steps.finish()
}
