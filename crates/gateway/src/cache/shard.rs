//! A part of a cache's keys.

use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderMap;
use ninefold_core::time::Timestamp;

use super::entry::Entry;
use super::flight::Flight;

/// Answers to requests for the same that differ by what `Vary` names.
const VARIANTS_MAX: usize = 16;

/// Keys that are remembered as not worth waiting for.
const PASSES_MAX: usize = 1_024;

/// Answers by key. When there is no room, the first one goes that nobody has asked for since the
/// hand of the clock last came by.
#[derive(Debug, Default)]
pub(super) struct Shard {
    slots: Vec<Option<Slot>>,
    free: Vec<usize>,
    by_key: HashMap<Arc<str>, Vec<usize>>,
    hand: usize,
    pub(super) bytes: usize,
    pub(super) flights: HashMap<Arc<str>, Flight>,
    /// Until when answers for a key are taken for such that cannot be kept.
    passes: HashMap<Arc<str>, Timestamp>,
}

#[derive(Debug)]
struct Slot {
    entry: Arc<Entry>,
    cost: usize,
    used: bool,
}

impl Shard {
    /// The answer for a request with these headers. One that nothing can be done with is removed.
    pub(super) fn look(
        &mut self,
        key: &str,
        request: &HeaderMap,
        now: Timestamp,
    ) -> Option<Arc<Entry>> {
        let mut indexes = self.by_key.get(key)?.iter().copied();
        let found = indexes.find(|index| {
            let slot = self.slots.get(*index).and_then(Option::as_ref);
            slot.is_some_and(|slot| slot.entry.selects(request))
        })?;
        let slot = self.slots.get_mut(found)?.as_mut()?;
        if slot.entry.is_over(now) {
            self.remove(found);
            return None;
        }
        slot.used = true;
        Some(Arc::clone(&slot.entry))
    }

    /// Keeps an answer in place of the one before, and within so many bytes in all.
    pub(super) fn insert(&mut self, entry: Arc<Entry>, bytes_max: usize) {
        self.passes.remove(&entry.key);
        let cost = entry.cost();
        let same = self.by_key.get(&entry.key).cloned().unwrap_or_default();
        let is = |index: &usize| {
            let slot = self.slots.get(*index).and_then(Option::as_ref);
            slot.is_some_and(|slot| entry.replaces(&slot.entry))
        };
        let before = same.iter().copied().find(is);
        let oldest = same.first().copied().filter(|_| same.len() >= VARIANTS_MAX);
        if let Some(gone) = before.or(oldest) {
            self.remove(gone);
        }
        if cost > bytes_max {
            return;
        }
        while self.bytes + cost > bytes_max {
            self.evict();
        }
        let slot = Slot {
            entry: Arc::clone(&entry),
            cost,
            used: false,
        };
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        if let Some(place) = self.slots.get_mut(index) {
            *place = Some(slot);
            self.bytes += cost;
            self.by_key
                .entry(Arc::clone(&entry.key))
                .or_default()
                .push(index);
        }
    }

    /// Forgets all answers for a key.
    pub(super) fn forget(&mut self, key: &str) {
        for index in self.by_key.get(key).cloned().unwrap_or_default() {
            self.remove(index);
        }
    }

    /// Remembers that answers for a key cannot be kept.
    pub(super) fn pass(&mut self, key: &Arc<str>, until: Timestamp) {
        if self.passes.len() >= PASSES_MAX {
            self.passes.clear();
        }
        self.passes.insert(Arc::clone(key), until);
    }

    /// Whether that is remembered.
    pub(super) fn passes(&self, key: &str, now: Timestamp) -> bool {
        self.passes.get(key).is_some_and(|until| now < *until)
    }

    pub(super) fn entries(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    fn evict(&mut self) {
        // The second time round nobody is spared.
        for _ in 0..self.slots.len() * 2 {
            let at = self.hand % self.slots.len();
            self.hand = at + 1;
            let Some(Some(slot)) = self.slots.get_mut(at) else {
                continue;
            };
            if !std::mem::take(&mut slot.used) {
                return self.remove(at);
            }
        }
    }

    fn remove(&mut self, index: usize) {
        let Some(slot) = self.slots.get_mut(index).and_then(Option::take) else {
            return;
        };
        self.free.push(index);
        self.bytes -= slot.cost;
        if let Some(indexes) = self.by_key.get_mut(&slot.entry.key) {
            indexes.retain(|one| *one != index);
            if indexes.is_empty() {
                self.by_key.remove(&slot.entry.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::{HeaderValue, Request, StatusCode};
    use proptest::prelude::*;

    use super::*;
    use crate::cache::Asked;
    use crate::cache::judge::Lifetimes;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn variant(which: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-a", HeaderValue::from_str(which).unwrap());
        headers
    }

    fn entry(key: u32, which: &str, size: usize) -> Arc<Entry> {
        let head = Request::get(format!("/{key}"))
            .body(())
            .unwrap()
            .into_parts()
            .0;
        let asked = Asked::of(&head, false).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("vary", HeaderValue::from_static("x-a"));
        let second = Duration::from_secs(1);
        let lifetimes = Lifetimes {
            age: Duration::ZERO,
            fresh: second,
            behind: second,
            on_error: second,
            shared: false,
        };
        let answer = (StatusCode::OK, &headers);
        let body = Bytes::from(vec![0; size]);
        Arc::new(Entry::new(
            &asked,
            &variant(which),
            answer,
            body,
            lifetimes,
            NOW,
        ))
    }

    fn key(key: u32) -> String {
        format!("http:///{key}")
    }

    #[test]
    fn variants_are_told_apart_and_replaced() {
        let mut shard = Shard::default();
        for (which, size) in [("a", 1), ("b", 2), ("a", 3)] {
            shard.insert(entry(0, which, size), 10_000);
        }
        let size = |shard: &mut Shard, which: &str| {
            let found = shard.look(&key(0), &variant(which), NOW);
            found.map(|entry| entry.body.len())
        };
        assert_eq!(size(&mut shard, "a"), Some(3));
        assert_eq!(size(&mut shard, "b"), Some(2));
        assert_eq!(size(&mut shard, "c"), None);
        assert_eq!(shard.entries(), 2);
        // Nothing can be done with them after 2 s.
        let later = NOW + Duration::from_secs(2);
        assert!(shard.look(&key(0), &variant("a"), later).is_none());
        shard.forget(&key(0));
        assert_eq!((shard.entries(), shard.bytes), (0, 0));
    }

    #[test]
    fn what_is_asked_for_stays() {
        let mut shard = Shard::default();
        // The longest of their names.
        let cost = entry(19, "a", 1_000).cost();
        shard.insert(entry(0, "a", 1_000), cost * 3);
        for more in 1..20 {
            assert!(shard.look(&key(0), &variant("a"), NOW).is_some(), "{more}");
            shard.insert(entry(more, "a", 1_000), cost * 3);
        }
        assert_eq!(shard.entries(), 3);
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_it_may(
            steps in proptest::collection::vec(
                (0_u32..12, 0_u32..20, 0_usize..3_000, 0_u8..4),
                1..200,
            ),
        ) {
            let mut shard = Shard::default();
            let most = 8_000;
            for (which, variant_of, size, step) in steps {
                let text = variant_of.to_string();
                match step {
                    0 => shard.forget(&key(which)),
                    1 => drop(shard.look(&key(which), &variant(&text), NOW)),
                    _ => {
                        let entry = entry(which, &text, size);
                        shard.insert(Arc::clone(&entry), most);
                        let found = shard.look(&key(which), &variant(&text), NOW);
                        prop_assert!(found.is_some_and(|found| Arc::ptr_eq(&found, &entry)));
                    }
                }
                let costs = shard.slots.iter().flatten().map(|slot| slot.cost);
                prop_assert_eq!(costs.sum::<usize>(), shard.bytes);
                prop_assert!(shard.bytes <= most);
                let listed: usize = shard.by_key.values().map(Vec::len).sum();
                prop_assert_eq!(listed, shard.entries());
                prop_assert!(shard.by_key.values().all(|of| of.len() <= VARIANTS_MAX));
            }
        }
    }
}
