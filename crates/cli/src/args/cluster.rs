//! Which of several nodes.

use std::str::FromStr;

use ninefold_config::NODES_MAX;

/// One node of several, as `2/3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeOf {
    /// From 1.
    pub(crate) number: u32,
    /// How many there are.
    pub(crate) nodes: u32,
}

impl FromStr for NodeOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let parsed = parts.and_then(|(number, nodes)| {
            Some(Self {
                number: number.parse().ok()?,
                nodes: nodes.parse().ok()?,
            })
        });
        parsed
            .filter(|one| (1..=one.nodes).contains(&one.number) && one.nodes <= NODES_MAX)
            .ok_or_else(|| "write K/N, as 2/3".to_owned())
    }
}

/// The number of a node, from 1: `n2` is 2.
pub(crate) fn node_number(text: &str) -> Result<u32, String> {
    let number = text.strip_prefix('n').and_then(|n| n.parse().ok());
    number
        .filter(|number| (1..=NODES_MAX).contains(number))
        .ok_or_else(|| format!("write n1 to n{NODES_MAX}, as `ninefold up --nodes` names them"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_counted_from_one() {
        assert_eq!(
            "2/3".parse(),
            Ok(NodeOf {
                number: 2,
                nodes: 3
            })
        );
        assert_eq!(
            "200/200".parse(),
            Ok(NodeOf {
                number: 200,
                nodes: 200
            })
        );
        for bad in ["", "2", "0/3", "4/3", "1/201", "a/b", "1/2/3"] {
            assert!(bad.parse::<NodeOf>().is_err(), "{bad}");
        }
        assert_eq!(node_number("n12"), Ok(12));
        for bad in ["", "n", "2", "n0", "n201", "m1"] {
            assert!(node_number(bad).is_err(), "{bad}");
        }
    }
}
