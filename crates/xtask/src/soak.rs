//! `cargo xtask soak`: our membership under faults that seeds draw, in the simulator.
//!
//! The test of `crates/sim` runs a few seeds; this runs as many as are asked for. A seed that breaks an invariant is
//! printed with its plan, and with the command that runs it again.

use crate::bench::arguments::Words;
use crate::failure::Failure;
use crate::step::{cargo, run as run_command};

pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let mut command = cargo(&["run", "--release", "--locked", "--quiet"])?;
    command.args(["-p", "ninefold-sim", "--example", "soak", "--"]);
    run_command(command.args(arguments(words)?))
}

fn arguments(words: &[&str]) -> Result<Vec<String>, Failure> {
    let (arguments, _) = Words::passed_on(words, &["--first", "--seeds", "--nodes"], None)?;
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_passed_on() {
        let words = ["--first", "7", "--seeds", "1"];
        assert_eq!(arguments(&words).unwrap(), words);
        for bad in [&["--seeds"][..], &["--fast"], &["--save"]] {
            assert_eq!(arguments(bad).unwrap_err().status(), 2, "{bad:?}");
        }
    }
}
