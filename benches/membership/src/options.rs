//! The command line.

use crate::peer::Peer;
use crate::scenario::Scenario;

/// What to do.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Those that are named; otherwise all.
    peers: Option<Vec<Peer>>,
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) nodes: Vec<u32>,
    seeds: Vec<u64>,
    pub(crate) revision: String,
}

/// How it is used.
pub(crate) const USAGE: &str = "\
Options: [--peers ninefold,swim,lifeguard,foca,chitchat,swim-faster,lifeguard-faster,foca-faster] [--scenarios quiet,silent,…] [--nodes 100,1000,10000] \
[--seeds 10,3,1] [--revision TEXT]
One number of seeds for each number of nodes, the last one for those that are left. Of more than 1,000 nodes only \
Ninefold is simulated, unless --peers names others.";

/// Nodes that one core takes in reasonable time; seeds likewise.
const NODES_MAX: u32 = 10_000;
const SEEDS_MAX: u64 = 1_000;
/// Above that many nodes only ours is simulated, unless others are asked for.
const ALL_PEERS_MAX: u32 = 1_000;

impl Options {
    /// From the words after the program's name.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            peers: None,
            scenarios: Scenario::ALL.to_vec(),
            nodes: vec![100, 1_000],
            seeds: vec![10, 3],
            revision: "unknown".to_owned(),
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let value = words
                .next()
                .ok_or_else(|| format!("`{word}` is no option, or needs a value"))?;
            let bad = || format!("`{word} {value}` makes no sense");
            match word.as_str() {
                "--peers" => options.peers = Some(list(&value, &Peer::ALL, Peer::word)?),
                "--scenarios" => options.scenarios = list(&value, &Scenario::ALL, Scenario::word)?,
                "--nodes" => {
                    let nodes = value.split(',').map(|nodes| nodes.parse().ok());
                    let nodes =
                        nodes.map(|nodes| nodes.filter(|nodes| (8..=NODES_MAX).contains(nodes)));
                    options.nodes = nodes.collect::<Option<_>>().ok_or_else(bad)?;
                }
                "--seeds" => {
                    let seeds = value.split(',').map(|seeds| seeds.parse().ok());
                    let seeds =
                        seeds.map(|seeds| seeds.filter(|seeds| (1..=SEEDS_MAX).contains(seeds)));
                    options.seeds = seeds.collect::<Option<_>>().ok_or_else(bad)?;
                }
                "--revision" => options.revision = value,
                _ => return Err(format!("unknown option `{word}`")),
            }
        }
        Ok(options)
    }

    /// Who is simulated with so many nodes.
    pub(crate) fn peers(&self, nodes: u32) -> &[Peer] {
        match &self.peers {
            Some(peers) => peers,
            None if nodes > ALL_PEERS_MAX => &[Peer::Ninefold],
            None => &Peer::ALL,
        }
    }

    /// How many seeds for the nodes that were named as the `at`th.
    pub(crate) fn seeds(&self, at: usize) -> u64 {
        let seeds = self.seeds.get(at).or_else(|| self.seeds.last());
        seeds.copied().unwrap_or(1)
    }

    /// As on the command line.
    pub(crate) fn shown_seeds(&self) -> String {
        let seeds: Vec<String> = self.seeds.iter().map(u64::to_string).collect();
        seeds.join(",")
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
        assert_eq!(options.peers(10_000), [Peer::Foca]);
        assert_eq!(options.scenarios, [Scenario::Lossy, Scenario::Silent]);
        assert_eq!(options.nodes, [10, 20]);
        assert_eq!((options.seeds(0), options.seeds(1)), (2, 2));
        let options = parse("--nodes 100,10000 --seeds 10,1").unwrap();
        assert_eq!((options.seeds(0), options.seeds(1)), (10, 1));
        assert_eq!(options.peers(100), Peer::ALL);
        assert_eq!(options.peers(10_000), [Peer::Ninefold]);
        for bad in [
            "--peers x",
            "--nodes 7",
            "--nodes 10001",
            "--seeds 0",
            "--seeds 1,x",
            "--fast",
            "--seeds",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
