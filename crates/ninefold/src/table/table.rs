//! One table.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Hashes that come in are hashes already.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Entries by hash and key, and a hand that goes round them.
pub(crate) struct Table<K, V> {
    /// The first entry of each hash.
    index: HashMap<u64, usize, BuildHasherDefault<AsIs>>,
    entries: Vec<Entry<K, V>>,
    hand: usize,
}

struct Entry<K, V> {
    hash: u64,
    key: K,
    value: V,
    /// The next entry of the same hash: two keys in 2^64, but it must be right.
    next: Option<usize>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            index: HashMap::default(),
            entries: Vec::new(),
            hand: 0,
        }
    }
}

impl<K: Eq, V> Table<K, V> {
    pub(crate) fn get<Q>(&self, hash: u64, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let at = self.find(hash, key)?;
        self.entries.get(at).map(|entry| &entry.value)
    }

    /// Puts a value in the place of the key's old one, which comes back.
    pub(crate) fn insert(&mut self, hash: u64, key: K, value: V) -> Option<V> {
        if let Some(at) = self.find(hash, &key) {
            let entry = self.entries.get_mut(at)?;
            return Some(std::mem::replace(&mut entry.value, value));
        }
        let next = self.index.insert(hash, self.entries.len());
        self.entries.push(Entry {
            hash,
            key,
            value,
            next,
        });
        None
    }

    pub(crate) fn remove<Q>(&mut self, hash: u64, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let at = self.find(hash, key)?;
        self.take(at)
    }

    /// Goes on with the hand to the first entry that `may` go, and takes it; `None` at the end of the
    /// table, from where the hand begins again, or after as many `steps`, which count down.
    pub(crate) fn evict(
        &mut self,
        steps: &mut usize,
        mut may: impl FnMut(&V) -> bool,
    ) -> Option<(K, V)> {
        while *steps > 0 {
            let Some(entry) = self.entries.get(self.hand) else {
                self.hand = 0;
                return None;
            };
            *steps -= 1;
            if may(&entry.value) {
                // The last entry takes its place, so the hand stays.
                return self.take(self.hand);
            }
            self.hand += 1;
        }
        None
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|entry| (&entry.key, &entry.value))
    }

    fn find<Q>(&self, hash: u64, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let mut at = *self.index.get(&hash)?;
        loop {
            let entry = self.entries.get(at)?;
            if entry.key.borrow() == key {
                return Some(at);
            }
            at = entry.next?;
        }
    }

    fn take(&mut self, at: usize) -> Option<(K, V)> {
        let (hash, next) = self.entries.get(at).map(|entry| (entry.hash, entry.next))?;
        self.repoint(hash, at, next);
        let last = self.entries.len() - 1;
        if at < last {
            let moved = self.entries.last().map(|entry| entry.hash)?;
            self.repoint(moved, last, Some(at));
        }
        let taken = self.entries.swap_remove(at);
        Some((taken.key, taken.value))
    }

    /// Lets whatever pointed to the entry at `from` point `to` another one, or to none.
    fn repoint(&mut self, hash: u64, from: usize, to: Option<usize>) {
        let Some(first) = self.index.get_mut(&hash) else {
            return;
        };
        if *first == from {
            match to {
                Some(to) => *first = to,
                None => drop(self.index.remove(&hash)),
            }
            return;
        }
        let mut before = Some(*first);
        while let Some(entry) = before.and_then(|at| self.entries.get_mut(at)) {
            if entry.next == Some(from) {
                entry.next = to;
                return;
            }
            before = entry.next;
        }
    }
}
