//! `cargo xtask bench membership`: members of clusters beside each other, in one simulator.
//!
//! A workspace of its own, `benches/membership`, so that nothing else builds the peers. It is on virtual
//! time, so the machine does not matter.

use std::fs;

use super::arguments::Words;
use super::revision::revision;
use crate::failure::{Failure, While};
use crate::say;
use crate::step::{cargo, output};
use crate::workspace;

const MANIFEST: &str = "benches/membership/Cargo.toml";
/// Where the page is.
const PAGE: &str = "docs/bench/membership.md";
/// What decides about the figures.
const SOURCES: [&str; 4] = [
    "crates/core",
    "crates/cluster",
    "crates/sim",
    "benches/membership",
];

pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let (arguments, save) = arguments(words)?;
    let mut command = cargo(&["run", "--release", "--locked", "--quiet"])?;
    command.args(["--manifest-path", MANIFEST, "--"]);
    command.args(arguments);
    let page = output(command.args(["--revision", &revision(&SOURCES)?]))?;
    if save {
        let path = workspace::root()?.join(PAGE);
        fs::write(&path, &page).while_(&format!("write {}", path.display()))?;
    }
    say::out(&page);
    Ok(())
}

/// Those of the bench, which also says what is wrong with values, and whether to keep the page.
fn arguments(words: &[&str]) -> Result<(Vec<String>, bool), Failure> {
    let (mut arguments, mut save) = (Vec::new(), false);
    let mut words = Words::new(words);
    while let Some(option) = words.next() {
        match option {
            "--save" => save = true,
            "--nodes" | "--peers" | "--scenarios" | "--seeds" => {
                arguments.extend([option.to_owned(), words.value()?.to_owned()]);
            }
            _ => return Err(words.unknown()),
        }
    }
    Ok((arguments, save))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_passed_on() {
        let (passed, save) = arguments(&["--nodes", "10,100", "--save", "--seeds", "2"]).unwrap();
        assert_eq!(passed, ["--nodes", "10,100", "--seeds", "2"]);
        assert!(save && !arguments(&[]).unwrap().1);
        for bad in [&["--seeds"][..], &["--fast"], &["--revision", "x"]] {
            assert_eq!(arguments(bad).unwrap_err().status(), 2, "{bad:?}");
        }
    }
}
