//! The command line of the bench.

use std::path::PathBuf;

use super::peer::Peer;
use super::row::Row;
use crate::bench::arguments::Words;
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
        let mut words = Words::new(words);
        while let Some(option) = words.next() {
            match option {
                "--rounds" => options.rounds = words.number(100)?,
                "--rows" => options.rows = words.list(&Row::ALL, Row::name)?,
                "--peers" => options.peers = words.list(&Peer::ALL, Peer::name)?,
                "--binary" => options.binary = Some(PathBuf::from(words.value()?)),
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
