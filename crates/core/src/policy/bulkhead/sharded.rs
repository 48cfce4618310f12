//! Shuffle sharding.

use super::super::sync::atomic::{AtomicU32, Ordering::Relaxed};
use super::super::{InvalidPolicy, PolicyKind};
use crate::rng::Rng;

/// The most shards.
const SHARDS_MAX: u32 = 4_096;

/// The most shards of one key.
const HAND_MAX: u32 = 16;

/// The knobs of a [`ShardedBulkhead`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardedBulkheadConfig {
    /// How many shards there are: 1 to 4,096.
    pub shards: u32,
    /// How many of them a key has: 1 to 16, at most all.
    pub per_key: u32,
    /// Calls under way at once in each shard: at least 1. A key has at most `per_key` times as many.
    pub max_concurrent_calls: u32,
}

/// Places in shards, of which each key has a few of its own.
///
/// Shuffle sharding (MacCarthaigh, "Workload isolation using shuffle-sharding", Amazon Builders'
/// Library): every key is dealt a hand of shards by its hash. A key that floods, or whose calls
/// hang, fills the shards of its hand and no others. Another key hardly ever has the very same hand
/// (with 64 shards and hands of 4, one in 635,376), and goes on in a shard that is free. Nothing is
/// kept of keys, so their number needs no limit.
#[derive(Debug)]
pub struct ShardedBulkhead {
    shards: Box<[AtomicU32]>,
    config: ShardedBulkheadConfig,
}

/// A place in a shard.
#[derive(Debug)]
#[must_use = "a place that is not given back is lost"]
pub struct ShardToken(u32);

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The key's shards are full; most others that are in use are not. It is its own doing.
    Key,
    /// So are most others: the calls take too long, whoever makes them.
    All,
}

/// A [`ShardedBulkhead`] at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardsView {
    /// Calls under way.
    pub in_flight: u64,
    /// Shards with calls under way.
    pub busy: u32,
    /// Shards without a place.
    pub full: u32,
}

impl ShardedBulkheadConfig {
    /// Says whether a bulkhead can follow it.
    ///
    /// # Errors
    ///
    /// The first field that makes no sense, and what is allowed.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let check = |good: bool, field, value: u32, remedy| {
            if good {
                return Ok(());
            }
            Err(InvalidPolicy {
                policy: PolicyKind::Bulkhead,
                field,
                value: value.to_string(),
                remedy,
            })
        };
        let (shards, hand) = (self.shards, self.per_key);
        let whole = (1..=SHARDS_MAX).contains(&shards);
        check(whole, "shards", shards, "from 1 to 4096")?;
        let some = (1..=HAND_MAX.min(shards)).contains(&hand);
        check(some, "per_key", hand, "from 1 to 16, and at most `shards`")?;
        let calls = self.max_concurrent_calls;
        check(calls > 0, "max_concurrent_calls", calls, "at least 1")
    }
}

impl ShardedBulkhead {
    /// A bulkhead with all places free.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if the configuration makes no sense.
    pub fn new(config: ShardedBulkheadConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        let shards = (0..config.shards).map(|_| AtomicU32::new(0)).collect();
        Ok(Self { shards, config })
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> ShardedBulkheadConfig {
        self.config
    }

    /// The shards of the key with this hash: the same ones each time, each once (Floyd's sampling).
    pub fn hand(&self, key: u64) -> impl Iterator<Item = u32> + use<> {
        let mut rng = Rng::new(key);
        let mut hand = [u32::MAX; HAND_MAX as usize];
        let first = self.config.shards.saturating_sub(self.config.per_key);
        let (mut dealt, mut last) = (0, first);
        std::iter::from_fn(move || {
            let slot = hand.get_mut(dealt)?;
            *slot = u32::try_from(rng.below(u64::from(last) + 1)).unwrap_or(0);
            let drawn = *slot;
            let known = hand.iter().take(dealt).any(|one| *one == drawn);
            let shard = if known { last } else { drawn };
            *hand.get_mut(dealt)? = shard;
            dealt += 1;
            last += 1;
            Some(shard)
        })
        .take(usize::try_from(self.config.per_key).unwrap_or(0))
    }

    /// Takes a place for a call of the key with this hash, in the emptiest of its shards.
    ///
    /// # Errors
    ///
    /// Whose doing it is that there is none.
    pub fn try_acquire(&self, key: u64) -> Result<ShardToken, Full> {
        let of = |shard: u32| self.shards.get(usize::try_from(shard).ok()?);
        let load = |shard: &u32| of(*shard).map_or(u32::MAX, |taken| taken.load(Relaxed));
        // Others may take what was seen free: then the rest of the hand is left.
        if let Some(emptiest) = self.hand(key).min_by_key(load)
            && of(emptiest).is_some_and(|taken| self.take(taken))
        {
            return Ok(ShardToken(emptiest));
        }
        let mut hand = self.hand(key);
        let free = hand.find(|shard| of(*shard).is_some_and(|taken| self.take(taken)));
        free.map(ShardToken).ok_or_else(|| self.whose())
    }

    fn take(&self, taken: &AtomicU32) -> bool {
        let limit = self.config.max_concurrent_calls;
        let more = |now: u32| (now < limit).then(|| now + 1);
        taken.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    #[cold]
    fn whose(&self) -> Full {
        let now = self.view();
        // Of those in use, as many are full as not, or more.
        if u64::from(now.full) * 2 >= u64::from(now.busy) {
            Full::All
        } else {
            Full::Key
        }
    }

    /// Gives a place back.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a place is given back once only"
    )]
    pub fn release(&self, token: ShardToken) {
        let shard = usize::try_from(token.0).unwrap_or(usize::MAX);
        if let Some(taken) = self.shards.get(shard) {
            taken.fetch_sub(1, Relaxed);
        }
    }

    /// What is taken now.
    #[must_use]
    pub fn view(&self) -> ShardsView {
        let mut view = ShardsView::default();
        for taken in &self.shards {
            let taken = taken.load(Relaxed);
            view.in_flight += u64::from(taken);
            view.busy += u32::from(taken > 0);
            view.full += u32::from(taken >= self.config.max_concurrent_calls);
        }
        view
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn bulkhead(shards: u32, per_key: u32, max_concurrent_calls: u32) -> ShardedBulkhead {
        let config = ShardedBulkheadConfig {
            shards,
            per_key,
            max_concurrent_calls,
        };
        ShardedBulkhead::new(config).unwrap()
    }

    /// Takes all that a key can have.
    fn flood(of: &ShardedBulkhead, key: u64) -> Vec<ShardToken> {
        std::iter::from_fn(|| of.try_acquire(key).ok()).collect()
    }

    #[test]
    fn a_hand_is_always_the_same_and_has_each_shard_once() {
        for (shards, per_key) in [(1, 1), (4, 4), (64, 4), (4_096, 16), (17, 16)] {
            let of = bulkhead(shards, per_key, 1);
            for key in 0..200 {
                let hand: BTreeSet<u32> = of.hand(key).collect();
                assert_eq!(hand, of.hand(key).collect());
                assert_eq!(hand.len(), per_key as usize);
                assert!(hand.iter().all(|shard| *shard < shards));
            }
        }
    }

    #[test]
    fn every_shard_is_dealt_about_as_often() {
        let of = bulkhead(32, 4, 1);
        let mut dealt = [0_u32; 32];
        for key in 0..8_000 {
            for shard in of.hand(key) {
                dealt[shard as usize] += 1;
            }
        }
        assert!(dealt.iter().all(|n| (850..1_150).contains(n)), "{dealt:?}");
    }

    #[test]
    fn a_flood_takes_its_own_share_and_almost_nobody_elses() {
        let of = bulkhead(64, 4, 5);
        let taken = flood(&of, 7);
        assert_eq!(taken.len(), 20);
        let hurt = (1_000..11_000).filter(|key| match of.try_acquire(*key) {
            Ok(token) => {
                of.release(token);
                false
            }
            Err(_) => true,
        });
        // One in 635,376 shares all four.
        assert!(hurt.count() <= 1);
        for token in taken {
            of.release(token);
        }
        assert_eq!(of.view(), ShardsView::default());
    }

    #[test]
    fn the_emptiest_shard_of_a_hand_is_taken() {
        let of = bulkhead(16, 4, 10);
        let tokens: Vec<_> = (0..8).map(|_| of.try_acquire(3).unwrap()).collect();
        let full = ShardsView {
            in_flight: 8,
            busy: 4,
            full: 0,
        };
        assert_eq!(of.view(), full);
        tokens.into_iter().for_each(|token| of.release(token));
    }

    #[test]
    fn whose_doing_it_is_shows_beside_the_others() {
        let of = bulkhead(64, 2, 2);
        // Nobody else is there to compare with.
        let mut held = flood(&of, 1);
        assert_eq!(of.try_acquire(1).unwrap_err(), Full::All);
        let others: Vec<_> = (100..120)
            .filter_map(|key| of.try_acquire(key).ok())
            .collect();
        assert_eq!(of.try_acquire(1).unwrap_err(), Full::Key);
        // Everybody's calls hang.
        for key in 100..120 {
            held.extend(flood(&of, key));
        }
        assert_eq!(of.try_acquire(1).unwrap_err(), Full::All);
        for token in held.into_iter().chain(others) {
            of.release(token);
        }
        assert_eq!(of.view(), ShardsView::default());
    }

    #[test]
    fn never_more_than_the_limit_on_many_threads() {
        let of = bulkhead(4, 2, 3);
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                let of = &of;
                scope.spawn(move || {
                    for round in 0..5_000 {
                        if let Ok(token) = of.try_acquire(thread * 7 + round % 5) {
                            assert!(of.view().in_flight <= 12);
                            of.release(token);
                        }
                    }
                });
            }
        });
        assert_eq!(of.view(), ShardsView::default());
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let refused = |shards, per_key, max_concurrent_calls| {
            let config = ShardedBulkheadConfig {
                shards,
                per_key,
                max_concurrent_calls,
            };
            ShardedBulkhead::new(config).unwrap_err().field
        };
        assert_eq!(refused(0, 1, 1), "shards");
        assert_eq!(refused(4_097, 1, 1), "shards");
        assert_eq!(refused(4, 5, 1), "per_key");
        assert_eq!(refused(64, 17, 1), "per_key");
        assert_eq!(refused(4, 0, 1), "per_key");
        assert_eq!(refused(4, 4, 0), "max_concurrent_calls");
    }
}
