//! Benches that print a page and are on virtual time: the machine does not matter, only the revision of what they
//! are made of.

use super::arguments::Words;
use super::publish;
use super::revision::revision;
use crate::failure::Failure;
use crate::say;
use crate::step::{cargo, output};

/// One of them.
#[derive(Debug)]
pub(crate) struct Page {
    /// What cargo runs.
    target: &'static [&'static str],
    /// Options that are passed on with their values; the program says what is wrong with those.
    options: &'static [&'static str],
    /// Where `--save` keeps it.
    path: &'static str,
    /// What decides about the figures.
    sources: &'static [&'static str],
}

/// `cargo xtask bench detection`: failure detectors on modelled traces. Those of others are in `crates/cluster`,
/// whose example prints the page.
pub(crate) const DETECTION: Page = Page {
    target: &["-p", "ninefold-cluster", "--example", "detectors"],
    options: &["--seeds", "--count"],
    path: "docs/bench/detection.md",
    sources: &["crates/core", "crates/cluster"],
};

/// `cargo xtask bench membership`: members of clusters beside each other, in one simulator. A workspace of its own,
/// so that nothing else builds the peers.
pub(crate) const MEMBERSHIP: Page = Page {
    target: &["--manifest-path", "benches/membership/Cargo.toml"],
    options: &["--nodes", "--peers", "--scenarios", "--seeds"],
    path: "docs/bench/membership.md",
    sources: &[
        "crates/core",
        "crates/cluster",
        "crates/sim",
        "benches/membership",
    ],
};

impl Page {
    /// Prints the page, and keeps it if that is asked for.
    pub(crate) fn run(&self, words: &[&str]) -> Result<(), Failure> {
        let (arguments, save) = self.arguments(words)?;
        let mut command = cargo(&["run", "--release", "--locked", "--quiet"])?;
        command.args(self.target).arg("--").args(arguments);
        let page = output(command.args(["--revision", &revision(self.sources)?]))?;
        if save {
            publish::keep(self.path, &page)?;
        }
        say::out(&page);
        Ok(())
    }

    /// Those of the program, and whether to keep the page.
    fn arguments(&self, words: &[&str]) -> Result<(Vec<String>, bool), Failure> {
        Words::passed_on(words, self.options, Some("--save"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_passed_on() {
        for (page, words) in [
            (DETECTION, ["--seeds", "3", "--save", "--count", "5000"]),
            (MEMBERSHIP, ["--nodes", "10,100", "--save", "--seeds", "2"]),
        ] {
            let (passed, save) = page.arguments(&words).unwrap();
            let others: Vec<_> = words.into_iter().filter(|word| *word != "--save").collect();
            assert_eq!(passed, others);
            assert!(save && !page.arguments(&[]).unwrap().1);
            for bad in [&["--seeds"][..], &["--fast"], &["--revision", "x"]] {
                assert_eq!(page.arguments(bad).unwrap_err().status(), 2, "{bad:?}");
            }
        }
    }
}
