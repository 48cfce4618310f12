//! The command line of the bench.

use std::path::PathBuf;

use super::case::Case;
use super::extra::Extra;
use super::peer::Peer;
use crate::bench::arguments::{Words, list};
use crate::failure::Failure;

/// What to measure, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// Seconds of one measurement.
    pub(super) seconds: u32,
    /// Rounds over all peers and cases.
    pub(super) rounds: u32,
    /// Connections of the load.
    pub(super) connections: u32,
    /// The proxies.
    pub(super) peers: Vec<Peer>,
    /// The kinds of request.
    pub(super) cases: Vec<Case>,
    /// What is measured besides.
    pub(super) extras: Vec<Extra>,
    /// A `ninefold` to measure instead of a fresh release build.
    pub(super) binary: Option<PathBuf>,
    /// One JSON object instead of tables.
    pub(super) json: bool,
    /// Whether to write `docs/bench/gateway.md`.
    pub(super) save: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seconds: 5,
            rounds: 3,
            connections: 64,
            peers: Peer::ALL.to_vec(),
            cases: Case::ALL.to_vec(),
            extras: Extra::ALL.to_vec(),
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
                "--seconds" => options.seconds = words.number(600)?,
                "--rounds" => options.rounds = words.number(100)?,
                "--connections" => options.connections = words.number(1_000)?,
                "--peers" => options.peers = words.list(&Peer::ALL, Peer::name)?,
                "--cases" => options.cases = words.list(&Case::ALL, Case::name)?,
                "--extras" => {
                    options.extras = match words.value()? {
                        "none" => Vec::new(),
                        text => list(option, text, &Extra::ALL, Extra::name)?,
                    }
                }
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
        let words = ["--seconds", "2", "--peers", "nginx,haproxy", "--save"];
        let options = Options::parse(&words).unwrap();
        assert_eq!(options.seconds, 2);
        assert_eq!(options.peers, [Peer::Nginx, Peer::Haproxy]);
        assert!(options.save && !options.json);
        assert_eq!(Options::parse(&["--extras", "none"]).unwrap().extras, []);
        let options = Options::parse(&["--extras", "idle"]).unwrap();
        assert_eq!(options.extras, [Extra::Idle]);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for words in [
            &["--rounds"][..],
            &["--rounds", "0"],
            &["--rounds", "101"],
            &["--rounds", "x"],
            &["--peers", "nginx,apache"],
            &["--output", "xml"],
            &["--fast"],
        ] {
            assert_eq!(Options::parse(words).unwrap_err().status(), 2, "{words:?}");
        }
    }
}
