//! Which nodes a step means.

use std::fmt;
use std::str::FromStr;

use ninefold_core::rng::Rng;

use super::ParseError;
use crate::{NodeId, NodeSet, Topology};

/// Nodes by name: `all`, `3`, `2-5`, `zone=1`, `10%` (drawn by the seed), `not(…)`, or several with commas.
#[derive(Clone, Debug, PartialEq)]
pub enum Select {
    /// All nodes.
    All,
    /// From one to another, both in it.
    Range(u32, u32),
    /// Those of a zone.
    Zone(u32),
    /// A share of all, at least one, drawn by the seed. The same share means the same nodes in a whole run.
    Share(f64),
    /// All others.
    Not(Box<Self>),
    /// What one of them means.
    AnyOf(Vec<Self>),
}

impl Select {
    /// The nodes. `seed` draws those of a share.
    #[must_use]
    pub fn nodes(&self, topology: &Topology, seed: u64) -> NodeSet {
        let n = topology.nodes();
        match self {
            Self::All => NodeSet::all(n),
            Self::Range(first, last) => (*first..=*last)
                .filter(|node| *node < n)
                .map(NodeId)
                .collect(),
            Self::Zone(zone) => topology.in_zone(*zone),
            Self::Share(share) => {
                let mut rng = Rng::new(seed);
                let wanted = crate::draw::whole((f64::from(n) * share).round());
                let mut drawn = NodeSet::new();
                while u64::from(drawn.len()) < wanted.clamp(1, u64::from(n)) {
                    drawn.insert(below(&mut rng, n));
                }
                drawn
            }
            Self::Not(others) => {
                let others = others.nodes(topology, seed);
                let all = (0..n).map(NodeId);
                all.filter(|node| !others.contains(*node)).collect()
            }
            Self::AnyOf(parts) => {
                let mut all = NodeSet::new();
                for part in parts {
                    all.extend_from(&part.nodes(topology, seed));
                }
                all
            }
        }
    }
}

/// A node drawn from the first `n`.
pub(crate) fn below(rng: &mut Rng, n: u32) -> NodeId {
    NodeId(u32::try_from(rng.below(u64::from(n))).unwrap_or_default())
}

impl FromStr for Select {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = || ParseError::new("nodes", text);
        if let Some(inner) = text
            .strip_prefix("not(")
            .and_then(|rest| rest.strip_suffix(')'))
        {
            return Ok(Self::Not(Box::new(inner.parse()?)));
        }
        if text.contains(',') {
            let parts: Result<Vec<Self>, ParseError> = text.split(',').map(str::parse).collect();
            return Ok(Self::AnyOf(parts?));
        }
        let number = |text: &str| text.parse::<u32>().ok().ok_or_else(bad);
        if text == "all" {
            return Ok(Self::All);
        }
        if let Some(zone) = text.strip_prefix("zone=") {
            return Ok(Self::Zone(number(zone)?));
        }
        if let Some(percent) = text.strip_suffix('%') {
            let percent: f64 = percent.parse().ok().ok_or_else(bad)?;
            let share = percent / 100.0;
            return (0.0..=1.0)
                .contains(&share)
                .then_some(Self::Share(share))
                .ok_or_else(bad);
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Ok(Self::Range(number(first)?, number(last)?))
    }
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => write!(f, "all"),
            Self::Range(first, last) if first == last => write!(f, "{first}"),
            Self::Range(first, last) => write!(f, "{first}-{last}"),
            Self::Zone(zone) => write!(f, "zone={zone}"),
            Self::Share(share) => write!(f, "{}%", share * 100.0),
            Self::Not(others) => write!(f, "not({others})"),
            Self::AnyOf(parts) => {
                let parts: Vec<String> = parts.iter().map(Self::to_string).collect();
                write!(f, "{}", parts.join(","))
            }
        }
    }
}
