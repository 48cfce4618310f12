//! Vectors in pieces that clones share until one of them writes: ten thousand members in one process, as in a
//! simulator, know ten thousand each, and differ in few of them.

use std::sync::Arc;

/// Elements of a piece; of a sorted one up to twice as many.
const CHUNK: usize = 16;

/// By place.
#[derive(Clone, Debug)]
pub(super) struct Chunks<T>(Vec<Arc<Vec<T>>>);

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Clone> Chunks<T> {
    pub(super) fn len(&self) -> usize {
        let full = self.0.len().saturating_sub(1) * CHUNK;
        full + self.0.last().map_or(0, |last| last.len())
    }

    pub(super) fn get(&self, at: usize) -> Option<&T> {
        self.0.get(at / CHUNK)?.get(at % CHUNK)
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        Arc::make_mut(self.0.get_mut(at / CHUNK)?).get_mut(at % CHUNK)
    }

    pub(super) fn push(&mut self, value: T) {
        match self.0.last_mut().filter(|last| last.len() < CHUNK) {
            Some(last) => Arc::make_mut(last).push(value),
            None => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(value);
                self.0.push(Arc::new(chunk));
            }
        }
    }
}

/// In ascending order. No piece is empty.
#[derive(Clone, Debug)]
pub(super) struct Sorted<T> {
    chunks: Vec<Arc<Vec<T>>>,
    len: usize,
}

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
        }
    }
}

/// Which piece, and where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    chunk: usize,
    at: usize,
}

impl<T: Clone + Ord> Sorted<T> {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The element of a rank.
    pub(super) fn get(&self, rank: usize) -> Option<&T> {
        let mut rest = rank;
        for chunk in &self.chunks {
            match rest.checked_sub(chunk.len()) {
                None => return chunk.get(rest),
                Some(behind) => rest = behind,
            }
        }
        None
    }

    /// Where the first element is for which `less` does not hold, which holds for all before it.
    pub(super) fn search(&self, less: impl Fn(&T) -> bool) -> Place {
        let is_before = |chunk: &Arc<Vec<T>>| chunk.last().is_some_and(&less);
        let chunk = self.chunks.partition_point(is_before);
        let at = self.chunks.get(chunk);
        let at = at.map_or(0, |chunk| chunk.partition_point(&less));
        Place { chunk, at }
    }

    pub(super) fn at(&self, place: Place) -> Option<&T> {
        self.chunks.get(place.chunk)?.get(place.at)
    }

    /// From a place on, and once around.
    pub(super) fn forward(&self, from: Place) -> impl Iterator<Item = &T> {
        let of = |place: Place| {
            self.chunks
                .get(place.chunk)
                .map(|chunk| chunk.split_at_checked(place.at))
        };
        let (before, after) = of(from).flatten().unwrap_or_default();
        let later = self.chunks.get(from.chunk + 1..).into_iter().flatten();
        let earlier = self.chunks.get(..from.chunk).into_iter().flatten();
        let whole = later.chain(earlier).flat_map(|chunk| chunk.iter());
        after.iter().chain(whole).chain(before)
    }

    /// What is before a place, backwards, and once around.
    pub(super) fn backward(&self, from: Place) -> impl Iterator<Item = &T> {
        let of = |place: Place| {
            self.chunks
                .get(place.chunk)
                .map(|chunk| chunk.split_at_checked(place.at))
        };
        let (before, after) = of(from).flatten().unwrap_or_default();
        let earlier = self.chunks.get(..from.chunk).into_iter().flatten().rev();
        let later = self
            .chunks
            .get(from.chunk + 1..)
            .into_iter()
            .flatten()
            .rev();
        let whole = earlier.chain(later).flat_map(|chunk| chunk.iter().rev());
        before.iter().rev().chain(whole).chain(after.iter().rev())
    }

    pub(super) fn insert(&mut self, value: T) {
        let place = self.search(|other| *other < value);
        self.len += 1;
        // What belongs behind all others goes to the last piece.
        let last = self.chunks.len().saturating_sub(1);
        let number = place.chunk.min(last);
        let Some(chunk) = self.chunks.get_mut(number) else {
            self.chunks.push(Arc::new(vec![value]));
            return;
        };
        let chunk = Arc::make_mut(chunk);
        let at = if place.chunk > last {
            chunk.len()
        } else {
            place.at
        };
        chunk.insert(at, value);
        if chunk.len() >= 2 * CHUNK {
            let rest = chunk.split_off(CHUNK);
            self.chunks.insert(number + 1, Arc::new(rest));
        }
    }

    pub(super) fn remove(&mut self, place: Place) -> Option<T> {
        let chunk = self.chunks.get_mut(place.chunk)?;
        if place.at >= chunk.len() {
            return None;
        }
        let chunk = Arc::make_mut(chunk);
        let value = chunk.remove(place.at);
        if chunk.is_empty() {
            self.chunks.remove(place.chunk);
        }
        self.len -= 1;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn by_place_and_clones_differ_once_one_writes() {
        let mut chunks = Chunks::default();
        for n in 0..200 {
            assert_eq!((chunks.len(), chunks.get(n)), (n, None));
            chunks.push(n);
        }
        let mut other = chunks.clone();
        other.get_mut(70).map(|n| *n = 7).unwrap();
        assert_eq!((chunks.get(70), other.get(70)), (Some(&70), Some(&7)));
        let shared = |at: usize| Arc::ptr_eq(&chunks.0[at], &other.0[at]);
        let differ: Vec<usize> = (0..chunks.0.len()).filter(|at| !shared(*at)).collect();
        assert_eq!(differ, [70 / CHUNK]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn as_a_sorted_vector(values in proptest::collection::vec(0u16..1_000, 0..600), probe in 0u16..1_000) {
            let (mut sorted, mut plain) = (Sorted::default(), Vec::new());
            for (n, value) in values.iter().enumerate() {
                // A third of them are taken away again.
                let at = plain.partition_point(|other| other < value);
                if n % 3 == 2 {
                    let place = sorted.search(|other| other < value);
                    let expected = (at < plain.len()).then(|| plain.remove(at));
                    prop_assert_eq!(sorted.remove(place), expected);
                } else {
                    sorted.insert(*value);
                    plain.insert(at, *value);
                }
            }
            prop_assert_eq!(sorted.len(), plain.len());
            for rank in 0..=plain.len() {
                prop_assert_eq!(sorted.get(rank), plain.get(rank));
            }
            let at = plain.partition_point(|other| *other < probe);
            let place = sorted.search(|other| *other < probe);
            prop_assert_eq!(sorted.at(place), plain.get(at));
            let around: Vec<_> = plain[at..].iter().chain(&plain[..at]).collect();
            prop_assert!(sorted.forward(place).eq(around));
            let back: Vec<_> = plain[..at].iter().rev().chain(plain[at..].iter().rev()).collect();
            prop_assert!(sorted.backward(place).eq(back));
            prop_assert!(sorted.chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() < 2 * CHUNK));
        }
    }
}
