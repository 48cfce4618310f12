//! Which node runs which replica.
//!
//! A function of what is declared, and of nothing that happens: every node computes the same homes
//! for itself, without a word to the others. So nobody has to agree on anything, and nothing moves
//! at run time: moving needs a lease.

use std::sync::Arc;

use ninefold_core::balance::hash_of;

/// The nodes of a cluster and the zones they are in. Nodes are counted from 0.
///
/// Node k is in zone `k % zones`. A replica that is spread goes to zone `ordinal % zones`, and
/// there to the nodes in turn; one that is not goes to all nodes in turn. Where a service begins
/// its turn follows from its name, so that services of few replicas do not all meet on the first
/// node.
///
/// **Invariant:** every replica has exactly one home; of one service's replicas no node of a zone
/// has two more than another, and, if they are spread, no zone has two more than another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    nodes: u32,
    zones: Arc<[Arc<str>]>,
}

/// Nodes and zones that do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    /// Nobody is there to run anything.
    #[error("a cluster has at least one node")]
    NoNodes,
    /// Some zone would be empty, and its replicas would have no place.
    #[error(
        "{nodes} nodes cannot be in {zones} zones: declare {zones} nodes or more, or fewer `cluster.zones`"
    )]
    EmptyZone {
        /// How many nodes.
        nodes: u32,
        /// How many zones.
        zones: u32,
    },
}

impl Placement {
    /// The placement over `nodes` nodes in `zones`, which may be none.
    ///
    /// # Errors
    ///
    /// See [`PlacementError`].
    pub fn new(
        nodes: u32,
        zones: impl IntoIterator<Item = Arc<str>>,
    ) -> Result<Self, PlacementError> {
        let zones: Arc<[Arc<str>]> = zones.into_iter().collect();
        let count = u32::try_from(zones.len()).unwrap_or(u32::MAX);
        match nodes {
            0 => Err(PlacementError::NoNodes),
            _ if nodes < count => Err(PlacementError::EmptyZone {
                nodes,
                zones: count,
            }),
            _ => Ok(Self { nodes, zones }),
        }
    }

    /// How many nodes there are.
    #[must_use]
    pub const fn nodes(&self) -> u32 {
        self.nodes
    }

    /// The zone of a node; none if the cluster has no zones.
    #[must_use]
    pub fn zone_of(&self, node: u32) -> Option<&Arc<str>> {
        let index = usize::try_from(node.checked_rem(self.zones())?).ok()?;
        self.zones.get(index)
    }

    /// The node that runs a replica.
    #[must_use]
    pub fn home(&self, service: &str, ordinal: u32, spread_by_zone: bool) -> u32 {
        let zones = if spread_by_zone { self.zones() } else { 0 }.max(1);
        let (zone, turn) = (ordinal % zones, ordinal / zones);
        // The nodes of a zone are every `zones`-th, from its own number on; there is one at least.
        let there = (self.nodes - zone).div_ceil(zones).max(1);
        let first = hash_of(service.as_bytes()) % u64::from(there);
        let place = (u64::from(turn) + first) % u64::from(there);
        // Less than `there`, which is a u32.
        zone + zones * u32::try_from(place).unwrap_or(0)
    }

    fn zones(&self) -> u32 {
        u32::try_from(self.zones.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Write;

    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;

    fn placement(nodes: u32, zones: u32) -> Placement {
        Placement::new(nodes, (0..zones).map(|zone| format!("z{zone}").into())).unwrap()
    }

    /// A line a service: where its replicas are, in order.
    fn table(placement: &Placement, spread: bool) -> String {
        let mut text = String::new();
        for service in ["cart", "catalog", "checkout", "search"] {
            let homes: Vec<String> = (0..7)
                .map(|ordinal| placement.home(service, ordinal, spread).to_string())
                .collect();
            writeln!(text, "{service:9} {}", homes.join(" ")).unwrap();
        }
        text
    }

    #[test]
    fn replicas_of_a_spread_service_take_zones_and_then_nodes_in_turn() {
        expect![[r#"
            cart      0 1 2 0 1 2 0
            catalog   0 1 2 0 1 2 0
            checkout  0 1 2 0 1 2 0
            search    0 1 2 0 1 2 0
        "#]]
        .assert_eq(&table(&placement(3, 3), true));
        expect![[r#"
            cart      2 1 4 3 0 1 2
            catalog   2 1 4 3 0 1 2
            checkout  4 3 0 1 2 3 4
            search    4 1 0 3 2 1 4
        "#]]
        .assert_eq(&table(&placement(5, 2), true));
    }

    #[test]
    fn replicas_of_others_take_all_nodes_in_turn() {
        expect![[r#"
            cart      3 4 0 1 2 3 4
            catalog   3 4 0 1 2 3 4
            checkout  1 2 3 4 0 1 2
            search    0 1 2 3 4 0 1
        "#]]
        .assert_eq(&table(&placement(5, 2), false));
        assert_eq!(
            table(&placement(5, 0), true),
            table(&placement(5, 2), false)
        );
    }

    #[test]
    fn nodes_take_zones_in_turn() {
        let zones = |nodes, zones| -> Vec<String> {
            let placement = placement(nodes, zones);
            let zone = |node| {
                placement
                    .zone_of(node)
                    .map_or_else(|| "-".to_owned(), ToString::to_string)
            };
            (0..nodes).map(zone).collect()
        };
        assert_eq!(zones(5, 3), ["z0", "z1", "z2", "z0", "z1"]);
        assert_eq!(zones(2, 0), ["-", "-"]);
    }

    #[test]
    fn a_zone_without_a_node_is_refused() {
        let new = |nodes, zones: &[&str]| Placement::new(nodes, zones.iter().map(|z| (*z).into()));
        assert_eq!(new(0, &[]), Err(PlacementError::NoNodes));
        let error = new(2, &["a", "b", "c"]).unwrap_err();
        assert!(error.to_string().contains("declare 3 nodes"), "{error}");
        assert!(new(3, &["a", "b", "c"]).is_ok());
    }

    /// The least and the most of what is counted.
    fn apart(counts: impl Iterator<Item = u32> + Clone) -> u32 {
        counts.clone().max().unwrap_or(0) - counts.min().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn replicas_are_even_over_zones_and_over_the_nodes_of_each(
            zones in 0..6_u32,
            more in 0..20_u32,
            replicas in 0..100_u32,
            service in "[a-z0-9_-]{1,63}",
            spread: bool,
        ) {
            let placement = placement(zones.max(1) + more, zones);
            let mut on: BTreeMap<u32, u32> = (0..placement.nodes()).map(|node| (node, 0)).collect();
            for ordinal in 0..replicas {
                let home = placement.home(&service, ordinal, spread);
                let count = on.get_mut(&home);
                prop_assert!(count.is_some(), "{home} is no node");
                *count.unwrap() += 1;
                if spread && zones > 0 {
                    let zone = placement.zone_of(home).unwrap();
                    prop_assert_eq!(&**zone, format!("z{}", ordinal % zones));
                }
            }
            prop_assert_eq!(on.values().sum::<u32>(), replicas);
            if !spread {
                prop_assert!(apart(on.values().copied()) <= 1, "{:?}", on);
            }
            let mut by_zone: BTreeMap<_, Vec<u32>> = BTreeMap::new();
            for (node, count) in &on {
                by_zone.entry(placement.zone_of(*node)).or_default().push(*count);
            }
            for nodes in by_zone.values() {
                prop_assert!(apart(nodes.iter().copied()) <= 1, "{:?}", by_zone);
            }
            if spread {
                let zones = by_zone.values().map(|nodes| nodes.iter().sum());
                prop_assert!(apart(zones) <= 1, "{:?}", by_zone);
            }
        }
    }
}
