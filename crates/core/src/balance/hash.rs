//! Consistent hashing: the same key goes to the same endpoint, and few keys move when endpoints
//! come and go.
//!
//! Two tables. The ring (Karger and others, 1997) has [`POINTS`] points an endpoint; it moves the
//! fewest keys. Maglev (Eisenbud and others, NSDI 2016, section 3.4) fills a table of prime size in
//! turns; it spreads keys more evenly. Either is walked on from the key's place past whoever may
//! not be taken, and past whoever has more than its share of what is under way ("consistent
//! hashing with bounded loads", Mirrokni, Thorup and Zadimoghaddam, 2018), so that one hot key
//! cannot overload an endpoint.

use crate::rng::Rng;

/// Points of one endpoint of weight 1 on the ring.
const POINTS: u32 = 100;

/// Points of all endpoints together at most.
const POINTS_MAX: usize = 65_536;

/// Table sizes of Maglev: primes. The smallest with [`POINTS`] places an endpoint is taken.
const PRIMES: [usize; 4] = [1_009, 4_093, 16_381, 65_521];

/// Requests that any endpoint may have under way, whatever its share. Below that nobody is
/// overloaded, and shares of so few would only send keys astray.
const ROOM: f64 = 4.0;

/// A key's hash: FNV-1a, mixed once more because that leaves the high bits of short keys alike.
#[must_use]
pub fn hash_of(key: &[u8]) -> u64 {
    let fnv = key.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Rng::new(fnv).next_u64()
}

/// Where keys belong.
#[derive(Clone, Debug)]
pub enum HashTable {
    /// Points by place, with whose they are.
    Ring(Vec<(u64, usize)>),
    /// Places, with whose they are.
    Maglev(Vec<usize>),
}

impl HashTable {
    /// A ring over endpoints, each with its name and its weight.
    #[must_use]
    pub fn ring(endpoints: &[(String, u32)]) -> Self {
        let total: usize = endpoints.iter().map(|(_, weight)| *weight as usize).sum();
        let each = (POINTS as usize).min(POINTS_MAX / total.max(1)).max(1);
        let mut points: Vec<(u64, usize)> = endpoints
            .iter()
            .enumerate()
            .flat_map(|(index, (name, weight))| {
                let mut rng = Rng::new(hash_of(name.as_bytes()));
                (0..each * *weight as usize).map(move |_| (rng.next_u64(), index))
            })
            .collect();
        points.sort_unstable();
        Self::Ring(points)
    }

    /// Maglev's table over endpoints, each with its name and its weight.
    #[must_use]
    pub fn maglev(endpoints: &[(String, u32)]) -> Self {
        let total: usize = endpoints.iter().map(|(_, weight)| *weight as usize).sum();
        let wanted = total * POINTS as usize;
        let last = PRIMES.last().copied().unwrap_or(1);
        let size = PRIMES.into_iter().find(|p| *p >= wanted).unwrap_or(last);
        let mut table = vec![usize::MAX; size];
        let mut left = size;
        // (offset, skip, next) of each endpoint's own order of the places.
        let places = u64::try_from(size).unwrap_or(u64::MAX);
        let mut orders: Vec<(u64, u64)> = endpoints
            .iter()
            .map(|(name, _)| {
                let mut rng = Rng::new(hash_of(name.as_bytes()));
                (rng.below(places), rng.below(places - 1) + 1)
            })
            .collect();
        while left > 0 && total > 0 {
            for ((index, (_, weight)), order) in endpoints.iter().enumerate().zip(&mut orders) {
                for _ in 0..*weight {
                    let place = loop {
                        let at = usize::try_from(order.0).unwrap_or(0);
                        order.0 = (order.0 + order.1) % places;
                        if left == 0 || table.get(at) == Some(&usize::MAX) {
                            break at;
                        }
                    };
                    if left == 0 {
                        break;
                    }
                    if let Some(place) = table.get_mut(place) {
                        *place = index;
                    }
                    left -= 1;
                }
            }
        }
        Self::Maglev(table)
    }

    /// The endpoint of a key: the first one on from its place that `takes` it. Those that are asked
    /// more than once answer the same.
    pub fn pick(&self, key: u64, mut takes: impl FnMut(usize) -> bool) -> Option<usize> {
        match self {
            Self::Ring(points) => {
                let start = points.partition_point(|(place, _)| *place < key);
                let (before, after) = points.split_at_checked(start)?;
                let mut walk = after.iter().chain(before).map(|(_, index)| *index);
                walk.find(|index| takes(*index))
            }
            Self::Maglev(table) => {
                let size = u64::try_from(table.len()).unwrap_or(u64::MAX);
                let start = usize::try_from(key % size.max(1)).unwrap_or(0);
                let (before, after) = table.split_at_checked(start)?;
                let mut walk = after.iter().chain(before).copied();
                walk.find(|index| *index != usize::MAX && takes(*index))
            }
        }
    }
}

/// Requests that an endpoint may have under way before the next one goes elsewhere: its share by
/// weight of all that are, with the new one, and `overload` more (0.25 is a quarter).
#[must_use]
pub fn load_max(under_way: u32, weight: f64, weights: f64, overload: f64) -> f64 {
    let share = weight / weights.max(weight).max(f64::MIN_POSITIVE);
    let fair = (f64::from(under_way) + 1.0) * share * (1.0 + overload.max(0.0));
    fair.ceil().max(ROOM)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(count: usize) -> Vec<(String, u32)> {
        (0..count).map(|n| (format!("app/{n}"), 1)).collect()
    }

    fn shares(table: &HashTable, count: usize, without: Option<usize>) -> Vec<usize> {
        let mut shares = vec![0; count];
        for key in 0..20_000u32 {
            let key = hash_of(&key.to_le_bytes());
            shares[table.pick(key, |index| Some(index) != without).unwrap()] += 1;
        }
        shares
    }

    #[test]
    fn keys_are_spread_and_weights_count() {
        for (table, tolerance) in [
            (HashTable::ring(&names(5)), 1_300),
            (HashTable::maglev(&names(5)), 300),
        ] {
            for share in shares(&table, 5, None) {
                assert!(share.abs_diff(4_000) < tolerance, "{share}");
            }
        }
        let weighted = [("a".to_owned(), 1), ("b".to_owned(), 3)];
        for table in [HashTable::ring(&weighted), HashTable::maglev(&weighted)] {
            let [a, b] = shares(&table, 2, None)[..] else {
                panic!()
            };
            assert!((2..5).contains(&(b / a)), "{a} {b}");
        }
    }

    #[test]
    fn only_the_keys_of_who_left_move() {
        for table in [HashTable::ring(&names(5)), HashTable::maglev(&names(5))] {
            for key in 0..5_000u32 {
                let key = hash_of(&key.to_le_bytes());
                let before = table.pick(key, |_| true).unwrap();
                let after = table.pick(key, |index| index != 2).unwrap();
                assert!(after == before || before == 2);
            }
        }
    }

    /// Maglev moves a few more keys than it has to; not many.
    #[test]
    fn a_new_endpoint_takes_its_share_and_leaves_the_rest() {
        for (old, new) in [
            (HashTable::ring(&names(9)), HashTable::ring(&names(10))),
            (HashTable::maglev(&names(9)), HashTable::maglev(&names(10))),
        ] {
            let moved = (0..10_000u32).filter(|key| {
                let key = hash_of(&key.to_le_bytes());
                let (old, new) = (old.pick(key, |_| true), new.pick(key, |_| true));
                old != new && new != Some(9)
            });
            let moved = moved.count();
            assert!(moved < 800, "{moved} of 10,000");
        }
    }

    #[test]
    fn a_hot_key_does_not_overload_its_endpoint() {
        let table = HashTable::ring(&names(4));
        let mut loads = [0u32; 4];
        for _ in 0..400 {
            let under_way = loads.iter().sum();
            let max = load_max(under_way, 1.0, 4.0, 0.25);
            let taken = table.pick(7, |index| f64::from(loads[index]) < max);
            loads[taken.unwrap()] += 1;
        }
        assert!(loads.iter().all(|load| *load <= 126), "{loads:?}");
        let first = table.pick(7, |_| true).unwrap();
        assert!(loads[first] >= 120, "{loads:?}");
    }

    proptest! {
        #[test]
        fn whoever_may_be_taken_is_found(
            count in 1usize..40,
            key: u64,
            takes in prop::collection::vec(any::<bool>(), 40),
        ) {
            for table in [HashTable::ring(&names(count)), HashTable::maglev(&names(count))] {
                let picked = table.pick(key, |index| takes[index]);
                prop_assert_eq!(picked.is_some(), takes[..count].contains(&true));
                prop_assert!(picked.is_none_or(|index| takes[index]));
            }
        }

        /// Of all that may be under way, somebody always has room for one more.
        #[test]
        fn bounded_loads_leave_room(
            loads in prop::collection::vec((0u32..1_000, 1u32..100), 1..20),
            overload in 0.0f64..2.0,
        ) {
            let under_way = loads.iter().map(|(load, _)| load).sum();
            let weights: f64 = loads.iter().map(|(_, weight)| f64::from(*weight)).sum();
            let room = loads.iter().any(|(load, weight)| {
                f64::from(*load) < load_max(under_way, f64::from(*weight), weights, overload)
            });
            prop_assert!(room);
        }
    }
}
