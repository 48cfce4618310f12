//! The command line of the bench.

use std::path::PathBuf;

use super::peer::Peer;
use super::row::Row;
use crate::bench::arguments::{list, number};
use crate::failure::Failure;

/// What to run, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// Rounds over all rows.
    pub(super) rounds: u32,
    /// The faults.
    pub(super) rows: Vec<Row>,
    /// The proxies.
    pub(super) peers: Vec<Peer>,
    /// A `ninefold` to run instead of a fresh release build.
    pub(super) binary: Option<PathBuf>,
    /// One JSON object instead of tables.
    pub(super) json: bool,
    /// Whether to write `docs/bench/availability.md`.
    pub(super) save: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rounds: 3,
            rows: Row::ALL.to_vec(),
            peers: Peer::ALL.to_vec(),
            binary: None,
            json: false,
            save: false,
        }
    }
}

impl Options {
    pub(super) fn parse(words: &[&str]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || {
                let missing = || Failure::usage(format!("`{word}` needs a value"));
                words.next().copied().ok_or_else(missing)
            };
            match *word {
                "--rounds" => options.rounds = number(word, value()?, 100)?,
                "--rows" => options.rows = list(word, value()?, &Row::ALL, Row::name)?,
                "--peers" => options.peers = list(word, value()?, &Peer::ALL, Peer::name)?,
                "--binary" => options.binary = Some(PathBuf::from(value()?)),
                "--output" => {
                    options.json = match value()? {
                        "json" => true,
                        "text" => false,
                        other => {
                            let text = format!("`--output {other}`: json or text");
                            return Err(Failure::usage(text));
                        }
                    }
                }
                "--save" => options.save = true,
                _ => return Err(Failure::usage(format!("unknown option `{word}`"))),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_options() {
        assert_eq!(Options::parse(&[]).unwrap(), Options::default());
        let words = ["--rows", "gray,kill", "--peers", "envoy-default", "--save"];
        let options = Options::parse(&words).unwrap();
        assert_eq!(options.rows, [Row::Gray, Row::Kill]);
        assert_eq!(options.peers, [Peer::EnvoyDefault]);
        assert!(options.save && !options.json);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for words in [
            &["--rounds", "0"][..],
            &["--rows", "flood"],
            &["--peers", "apache"],
            &["--output", "xml"],
            &["--fast"],
        ] {
            assert_eq!(Options::parse(words).unwrap_err().status(), 2, "{words:?}");
        }
    }
}
