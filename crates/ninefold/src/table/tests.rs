//! Against a map, and the hand.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::shards::EVICT_STEPS_MAX;
use super::{Shards, Table};

#[derive(Clone, Debug)]
enum Step {
    Insert(u8, u16),
    Remove(u8),
    Evict(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..24u8, any::<u16>()).prop_map(|(key, value)| Step::Insert(key, value)),
        1 => (0..24u8).prop_map(Step::Remove),
        1 => (1..4u16).prop_map(Step::Evict),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    /// Hashes collide on purpose: three keys a hash.
    #[test]
    fn a_table_is_a_map(steps in steps()) {
        let hash = |key: u8| u64::from(key % 8);
        let (mut table, mut model) = (Table::default(), HashMap::new());
        for step in steps {
            match step {
                Step::Insert(key, value) => {
                    prop_assert_eq!(table.insert(hash(key), key, value), model.insert(key, value));
                }
                Step::Remove(key) => {
                    let removed = table.remove(hash(key), &key);
                    prop_assert_eq!(removed, model.remove_entry(&key));
                }
                Step::Evict(factor) => {
                    let may = |value: &u16| value.is_multiple_of(factor);
                    let mut evict = || table.evict(&mut 1_000, may);
                    match evict().or_else(evict) {
                        Some((key, value)) => {
                            prop_assert!(may(&value));
                            prop_assert_eq!(model.remove(&key), Some(value));
                        }
                        None => prop_assert!(!model.values().any(may)),
                    }
                }
            }
            for key in 0..24u8 {
                prop_assert_eq!(table.get(hash(key), &key), model.get(&key));
            }
            prop_assert_eq!(table.iter().count(), model.len());
        }
    }
}

#[test]
fn the_hand_spares_what_was_used_since_it_came_by() {
    let shards: Shards<u32, AtomicBool> = Shards::default();
    for key in 0..20 {
        assert!(shards.reserve(20));
        let hash = shards.hash(&key);
        shards.write(hash).insert(hash, key, AtomicBool::new(false));
    }
    assert!(!shards.reserve(20));
    let spared = [3, 7, 11];
    for key in spared {
        let hash = shards.hash(&key);
        let table = shards.read(hash);
        table
            .get(hash, &key)
            .unwrap()
            .store(true, Ordering::Relaxed);
    }
    let unused = |used: &AtomicBool| !used.swap(false, Ordering::Relaxed);
    let gone: Vec<u32> = (0..17).map(|_| shards.evict(unused).unwrap().0).collect();
    assert!(spared.iter().all(|key| !gone.contains(key)), "{gone:?}");
    assert_eq!(shards.len(), 3);
    assert!(shards.evict(unused).is_some(), "nobody is spared twice");
    shards.clear(|_| ());
    assert_eq!(shards.len(), 0);
}

#[test]
fn looking_for_room_ends() {
    let shards: Shards<u32, ()> = Shards::default();
    for key in 0..1_000 {
        assert!(shards.reserve(1_000));
        let hash = shards.hash(&key);
        shards.write(hash).insert(hash, key, ());
    }
    let mut looked = 0;
    let evicted = shards.evict(|()| {
        looked += 1;
        false
    });
    assert_eq!((evicted, looked), (None, EVICT_STEPS_MAX));
}
