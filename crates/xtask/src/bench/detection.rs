//! `cargo xtask bench detection`: failure detectors on modelled traces.
//!
//! It is drawn from seeds, so the machine does not matter, and has no peers to fetch: the detectors of others
//! are in `crates/cluster`, whose example prints the page.

use std::fs;

use super::arguments::Words;
use super::revision::revision;
use crate::failure::{Failure, While};
use crate::say;
use crate::step::{cargo, output};
use crate::workspace;

/// Where the page is.
const PAGE: &str = "docs/bench/detection.md";
/// What decides about the figures.
const SOURCES: [&str; 2] = ["crates/core", "crates/cluster"];

pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let (arguments, save) = arguments(words)?;
    let mut command = cargo(&["run", "--release", "--locked", "--quiet"])?;
    command.args(["-p", "ninefold-cluster", "--example", "detectors", "--"]);
    command.args(arguments);
    let page = output(command.args(["--revision", &revision(&SOURCES)?]))?;
    if save {
        let path = workspace::root()?.join(PAGE);
        fs::write(&path, &page).while_(&format!("write {}", path.display()))?;
    }
    say::out(&page);
    Ok(())
}

/// Those of the example, which also says what is wrong with values, and whether to keep the page.
fn arguments(words: &[&str]) -> Result<(Vec<String>, bool), Failure> {
    let (mut arguments, mut save) = (Vec::new(), false);
    let mut words = Words::new(words);
    while let Some(option) = words.next() {
        match option {
            "--save" => save = true,
            "--seeds" | "--count" => {
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
        let (passed, save) = arguments(&["--seeds", "3", "--save", "--count", "5000"]).unwrap();
        assert_eq!(passed, ["--seeds", "3", "--count", "5000"]);
        assert!(save && !arguments(&[]).unwrap().1);
        for bad in [&["--seeds"][..], &["--fast"], &["--revision", "x"]] {
            assert_eq!(arguments(bad).unwrap_err().status(), 2, "{bad:?}");
        }
    }
}
