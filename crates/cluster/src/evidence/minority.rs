//! Minority self-quiescence: who hears no majority suspects itself.

use super::subject::Health;

/// What a node hears of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The other members, without those that left or are known to be gone.
    ///
    /// Known means that their host said so (a signed exit): of these nothing is to be heard, and nothing is to be
    /// concluded from it.
    pub others: usize,
    /// Those of them that were heard of within the detection time.
    pub heard: usize,
}

/// On which side a node has to believe itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It and those it hears are more than half of all.
    Majority,
    /// They are not: it, or its side of the network, is what failed. It goes on serving what it has, accuses at the
    /// weight of the share it hears, and does nothing that cannot be undone.
    Minority,
    /// It hears nobody, though there are others.
    Isolated,
}

/// Where a node stands. Exactly half is a minority: both sides of an even split would act otherwise.
#[must_use]
pub const fn standing(view: View) -> Standing {
    let View { others, heard } = view;
    let heard = if heard > others { others } else { heard };
    if others == 0 {
        Standing::Majority
    } else if heard == 0 {
        Standing::Isolated
    } else if 2 * (heard + 1) > others + 1 {
        Standing::Majority
    } else {
        Standing::Minority
    }
}

impl Standing {
    /// Whether the node may do what cannot be undone.
    #[must_use]
    pub const fn may_act(self) -> bool {
        matches!(self, Self::Majority)
    }
}

/// What a node's accusations are worth by what it hears: in full while it hears a majority, then by the share it
/// hears, and nothing when it is isolated.
#[must_use]
pub fn health(view: View) -> Health {
    match standing(view) {
        Standing::Majority => Health::FULL,
        Standing::Minority => {
            let share = view.heard.saturating_mul(1_000) / view.others.max(1);
            Health::new(u16::try_from(share).unwrap_or(1_000))
        }
        Standing::Isolated => Health::ISOLATED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_one_side_of_a_split_is_a_majority() {
        for nodes in 1..60_usize {
            for here in 1..=nodes {
                let side = |many: usize| {
                    standing(View {
                        others: nodes - 1,
                        heard: many - 1,
                    })
                };
                let there = nodes - here;
                let both = there > 0 && side(here).may_act() && side(there).may_act();
                assert!(!both, "{here} of {nodes}");
            }
        }
    }

    #[test]
    fn the_weight_of_accusations_falls_with_what_is_heard() {
        let of = |heard| health(View { others: 9, heard }).thousandths();
        assert_eq!(
            (of(9), of(5), of(4), of(3), of(0)),
            (1_000, 1_000, 444, 333, 0)
        );
        let alone = View {
            others: 0,
            heard: 0,
        };
        assert_eq!(standing(alone), Standing::Majority);
        assert_eq!(
            standing(View {
                others: 1,
                heard: 0
            }),
            Standing::Isolated
        );
    }
}
