//! What to run.

use std::path::PathBuf;

use crate::bench::arguments::Words;
use crate::failure::Failure;

/// The rows by name, in the order in which they are measured.
pub(super) const ROWS: [&str; 11] = [
    "rest",
    "busy",
    "node-kill",
    "node-pause",
    "pause-again",
    "zone-kill",
    "one-way-drop",
    "node-stop",
    "lossy-link",
    "partition",
    "deaf-node",
];

/// The command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// How often each fault is injected.
    pub(super) rounds: u32,
    pub(super) rows: Vec<&'static str>,
    /// A `ninefold` to run instead of a fresh release build.
    pub(super) binary: Option<PathBuf>,
    /// What else runs meanwhile, for the page.
    pub(super) beside: Option<String>,
    pub(super) json: bool,
    pub(super) save: bool,
}

impl Options {
    pub(super) fn parse(words: &[&str]) -> Result<Self, Failure> {
        let mut options = Self {
            rounds: 10,
            rows: ROWS.into(),
            binary: None,
            beside: None,
            json: false,
            save: false,
        };
        let mut words = Words::new(words);
        while let Some(option) = words.next() {
            match option {
                "--rounds" => options.rounds = words.number(1_000)?,
                "--rows" => options.rows = words.list(&ROWS, |row| row)?,
                "--binary" => options.binary = Some(PathBuf::from(words.value()?)),
                "--beside" => options.beside = Some(words.value()?.to_owned()),
                "--output" => options.json = words.is_json()?,
                "--save" => options.save = true,
                _ => return Err(words.unknown()),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_options_and_refuses_others() {
        let options = Options::parse(&["--rounds", "3", "--rows", "rest,partition"]).unwrap();
        assert_eq!((options.rounds, options.rows.len()), (3, 2));
        for words in [&["--rounds", "0"][..], &["--rows", "fire"], &["--fast"]] {
            assert_eq!(Options::parse(words).unwrap_err().status(), 2, "{words:?}");
        }
    }
}
