//! `cargo xtask bench behaviour`: how policies behave, simulated beside their peers.
//!
//! The simulation is a workspace of its own, `benches/behaviour`, so that nothing else builds the
//! peers. It is on virtual time, so the machine does not matter.

use super::arguments::Words;
use super::revision::revision;
use crate::failure::Failure;
use crate::step::{cargo, run as run_command};

const MANIFEST: &str = "benches/behaviour/Cargo.toml";
/// Where the page and its plots are.
const FOLDER: &str = "docs/behaviour";
/// What decides about the figures.
const SOURCES: [&str; 3] = ["crates/core", "crates/ninefold", "benches/behaviour"];

pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let revision = revision(&SOURCES)?;
    let mut command = cargo(&["run", "--release", "--locked", "--quiet"])?;
    command.args(["--manifest-path", MANIFEST, "--"]);
    command.args(arguments(words)?);
    run_command(command.args(["--revision", &revision]))
}

/// Those of the simulation, which also says what is wrong with values.
fn arguments(words: &[&str]) -> Result<Vec<String>, Failure> {
    let options = ["--seed", "--scenarios", "--output"];
    let (mut arguments, save) = Words::passed_on(words, &options, Some("--save"))?;
    if save {
        arguments.extend(["--save".to_owned(), FOLDER.to_owned()]);
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_passed_on_and_the_folder_is_ours() {
        let words = ["--seed", "7", "--save", "--output", "json"];
        assert_eq!(
            arguments(&words).unwrap(),
            ["--seed", "7", "--output", "json", "--save", FOLDER]
        );
        for bad in [&["--seed"][..], &["--fast"], &["--revision", "x"]] {
            assert_eq!(arguments(bad).unwrap_err().status(), 2, "{bad:?}");
        }
    }
}
