//! The command line.

use crate::peer::Peer;
use crate::scenario::Scenario;

/// What to do.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) peers: Vec<Peer>,
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) nodes: Vec<u32>,
    pub(crate) seeds: u64,
    pub(crate) revision: String,
}

/// How it is used.
pub(crate) const USAGE: &str = "\
Options: [--peers ninefold,swim,lifeguard,foca] [--scenarios silent,stalled,blocked,lossy,flip-flop] [--nodes 100,1000] [--seeds N] \
[--revision TEXT]";

/// Nodes that one core takes in reasonable time; seeds likewise.
const NODES_MAX: u32 = 10_000;
const SEEDS_MAX: u64 = 1_000;

impl Options {
    /// From the words after the program's name.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            peers: Peer::ALL.to_vec(),
            scenarios: Scenario::ALL.to_vec(),
            nodes: vec![100, 1_000],
            seeds: 5,
            revision: "unknown".to_owned(),
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let value = words
                .next()
                .ok_or_else(|| format!("`{word}` is no option, or needs a value"))?;
            let bad = || format!("`{word} {value}` makes no sense");
            match word.as_str() {
                "--peers" => options.peers = list(&value, &Peer::ALL, Peer::word)?,
                "--scenarios" => options.scenarios = list(&value, &Scenario::ALL, Scenario::word)?,
                "--nodes" => {
                    let nodes = value.split(',').map(|nodes| nodes.parse().ok());
                    let nodes =
                        nodes.map(|nodes| nodes.filter(|nodes| (4..=NODES_MAX).contains(nodes)));
                    options.nodes = nodes.collect::<Option<_>>().ok_or_else(bad)?;
                }
                "--seeds" => {
                    let seeds = value.parse().ok();
                    let seeds = seeds.filter(|seeds| (1..=SEEDS_MAX).contains(seeds));
                    options.seeds = seeds.ok_or_else(bad)?;
                }
                "--revision" => options.revision = value,
                _ => return Err(format!("unknown option `{word}`")),
            }
        }
        Ok(options)
    }
}

fn list<T: Copy>(
    value: &str,
    all: &[T],
    word: impl Fn(T) -> &'static str,
) -> Result<Vec<T>, String> {
    let find = |wanted: &str| {
        let found = all.iter().copied().find(|one| word(*one) == wanted);
        found.ok_or_else(|| format!("there is no `{wanted}`"))
    };
    value.split(',').map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options, String> {
        Options::parse(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_choose() {
        let options =
            parse("--peers foca --scenarios lossy,silent --nodes 10,20 --seeds 2").unwrap();
        assert_eq!(options.peers, [Peer::Foca]);
        assert_eq!(options.scenarios, [Scenario::Lossy, Scenario::Silent]);
        assert_eq!((options.nodes, options.seeds), (vec![10, 20], 2));
        for bad in [
            "--peers x",
            "--nodes 3",
            "--nodes 10001",
            "--seeds 0",
            "--fast",
            "--seeds",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
