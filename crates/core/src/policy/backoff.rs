//! How long to wait before trying again.
//!
//! # How it works
//!
//! Each try has a *ceiling* that [grows](Growth) with the number of tries up to a cap, and
//! [jitter](Jitter) spreads the waits below it, so that clients that failed together do not come
//! back together. The three kinds of jitter are those of Brooker, "Exponential Backoff And Jitter"
//! (AWS Architecture Blog, 2015), whose simulation finds full jitter the cheapest for the server
//! and decorrelated jitter about as good and a little quicker.
//!
//! ```
//! use std::time::Duration;
//! use ninefold_core::policy::Backoff;
//! use ninefold_core::rng::Rng;
//!
//! let backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(30));
//! assert_eq!(backoff.ceiling(3), Duration::from_millis(800));
//!
//! let (mut rng, mut waited) = (Rng::new(7), None);
//! for attempt in 0..5 {
//!     let wait = backoff.wait(attempt, waited, &mut rng);
//!     assert!(wait <= backoff.ceiling(attempt));
//!     waited = Some(wait);
//! }
//! ```
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `base` | `100ms` | the ceiling of the first wait; a [`RetryConfig`](super::RetryConfig) has 25 ms |
//! | `cap` | `10s` | no wait is longer; at least `base`. A [`RetryConfig`](super::RetryConfig) has 250 ms |
//! | `growth` | `exponential` | or `linear`, `constant` |
//! | `jitter` | `full` | or `equal`, `decorrelated`, `none` |
//!
//! # How it composes
//!
//! It is a part of [`RetryConfig`](super::RetryConfig), and of whatever else waits before it tries
//! again. It decides nothing by itself, emits nothing, and costs a random number.
//!
//! # When not to use it
//!
//! A back-off spreads the load of a burst, it does not lessen it: with new calls coming in all the
//! time, as many repetitions arrive per second as without it. What bounds them is a
//! [`RetryBudget`](super::RetryBudget). Where the server says when to come back, do as it says.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{InvalidPolicy, PolicyKind};
use crate::rng::Rng;
use crate::units::Span;

/// How the ceiling grows from try to try.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Growth {
    /// Not at all: 1, 1, 1 times the base.
    Constant,
    /// By the base: 1, 2, 3 times.
    Linear,
    /// It doubles: 1, 2, 4 times.
    #[default]
    Exponential,
}

/// Where between nothing and the ceiling a wait lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Jitter {
    /// At the ceiling. For a single client, or for tests.
    None,
    /// Anywhere, uniformly.
    #[default]
    Full,
    /// In the upper half: for who must not come back at once.
    Equal,
    /// Between the base and three times the wait before, up to the cap. It grows by itself, so
    /// [`Growth`] does not matter.
    Decorrelated,
}

/// Waits before repetitions. A plain value: it is its own configuration, and what changes from
/// try to try stays with the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Backoff {
    /// The ceiling of the first wait. 100 ms by default.
    pub base: Span,
    /// No wait is longer. 10 s by default; not less than `base`.
    pub cap: Span,
    /// How the ceiling grows. `exponential` by default.
    pub growth: Growth,
    /// How waits are spread below it. `full` by default.
    pub jitter: Jitter,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::exponential(Duration::from_millis(100), Duration::from_secs(10))
    }
}

impl Backoff {
    /// Doubles from `base` up to `cap`, with full jitter.
    #[must_use]
    pub const fn exponential(base: Duration, cap: Duration) -> Self {
        Self {
            base: Span(base),
            cap: Span(cap),
            growth: Growth::Exponential,
            jitter: Jitter::Full,
        }
    }

    /// Always waits this long.
    #[must_use]
    pub const fn constant(wait: Duration) -> Self {
        Self {
            base: Span(wait),
            cap: Span(wait),
            growth: Growth::Constant,
            jitter: Jitter::None,
        }
    }

    /// The same with another jitter.
    #[must_use]
    pub const fn with_jitter(self, jitter: Jitter) -> Self {
        Self { jitter, ..self }
    }

    /// Whether it makes sense.
    ///
    /// # Errors
    ///
    /// A cap below the base.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        if self.cap < self.base {
            return Err(InvalidPolicy {
                policy: PolicyKind::Retry,
                field: "cap",
                value: self.cap.to_string(),
                remedy: "at least `base`",
            });
        }
        Ok(())
    }

    /// The longest wait before try `attempt` (0 is the first repetition). A cap below the base
    /// counts as the base.
    #[must_use]
    pub fn ceiling(&self, attempt: u32) -> Duration {
        let times = match (self.jitter, self.growth) {
            (Jitter::Decorrelated, _) => 3u32.saturating_pow(attempt.saturating_add(1)),
            (_, Growth::Constant) => 1,
            (_, Growth::Linear) => attempt.saturating_add(1),
            (_, Growth::Exponential) => 1u32.checked_shl(attempt).unwrap_or(u32::MAX),
        };
        self.base.0.saturating_mul(times).min(self.longest())
    }

    /// The wait before try `attempt` (0 is the first repetition), given the wait before the last
    /// one, which matters to [`Jitter::Decorrelated`] alone.
    pub fn wait(&self, attempt: u32, waited: Option<Duration>, rng: &mut Rng) -> Duration {
        let ceiling = self.ceiling(attempt);
        match self.jitter {
            Jitter::None => ceiling,
            Jitter::Full => rng.jitter(ceiling),
            Jitter::Equal => {
                let half = ceiling / 2;
                half + rng.jitter(ceiling.saturating_sub(half))
            }
            Jitter::Decorrelated => {
                let before = waited.unwrap_or(self.base.0).max(self.base.0);
                let spread = before.saturating_mul(3).saturating_sub(self.base.0);
                (self.base.0 + rng.jitter(spread)).min(self.longest())
            }
        }
    }

    fn longest(&self) -> Duration {
        self.cap.0.max(self.base.0)
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;

    const BACKOFF: Backoff =
        Backoff::exponential(Duration::from_millis(100), Duration::from_secs(30));

    #[test]
    fn ceilings_double_up_to_the_cap() {
        let ceilings: Vec<u128> = (0..11).map(|n| BACKOFF.ceiling(n).as_millis()).collect();
        assert_eq!(
            ceilings,
            [
                100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000
            ]
        );
        assert_eq!(BACKOFF.ceiling(u32::MAX), BACKOFF.cap.0);
    }

    #[test]
    fn others_grow_less() {
        let linear = Backoff {
            growth: Growth::Linear,
            ..BACKOFF
        };
        let ceilings: Vec<u128> = [0, 1, 2, 299, 300, u32::MAX]
            .map(|n| linear.ceiling(n).as_millis())
            .into();
        assert_eq!(ceilings, [100, 200, 300, 30_000, 30_000, 30_000]);
        let constant = Backoff::constant(Duration::from_secs(2));
        assert_eq!(constant.wait(9, None, &mut Rng::new(1)).as_secs(), 2);
    }

    /// The least, mean and greatest of many waits in milliseconds.
    fn spread(jitter: Jitter, attempt: u32, waited: Option<Duration>) -> [u128; 3] {
        let (mut rng, backoff) = (Rng::new(11), BACKOFF.with_jitter(jitter));
        let waits: Vec<Duration> = (0..4_000)
            .map(|_| backoff.wait(attempt, waited, &mut rng))
            .collect();
        let mean = waits.iter().sum::<Duration>() / 4_000;
        let (least, most) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
        [*least, mean, *most].map(|wait| wait.as_millis())
    }

    #[test]
    fn each_jitter_is_uniform_over_its_own_range() {
        let near = |found: [u128; 3], expected: [u128; 3]| {
            for (found, expected) in found.into_iter().zip(expected) {
                assert!(found.abs_diff(expected) <= 12, "{found} ms, not {expected}");
            }
        };
        near(spread(Jitter::None, 3, None), [800, 800, 800]);
        near(spread(Jitter::Full, 3, None), [0, 400, 800]);
        near(spread(Jitter::Equal, 3, None), [400, 600, 800]);
        near(spread(Jitter::Decorrelated, 3, None), [100, 200, 300]);
        let waited = Some(Duration::from_millis(300));
        near(spread(Jitter::Decorrelated, 0, waited), [100, 500, 900]);
    }

    #[test]
    fn a_cap_below_the_base_is_refused_and_counts_as_the_base() {
        let odd = Backoff::exponential(Duration::from_secs(2), Duration::from_secs(1));
        assert_eq!(odd.ceiling(5), Duration::from_secs(2));
        assert_eq!(odd.validate().unwrap_err().field, "cap");
        assert_eq!(Backoff::default().validate(), Ok(()));
    }

    #[test]
    fn reads_like_a_file() {
        let backoff: Backoff =
            serde_json::from_str(r#"{"base": "1s", "jitter": "decorrelated"}"#).unwrap();
        assert_eq!(backoff.base, Span::secs(1));
        assert_eq!(backoff.jitter, Jitter::Decorrelated);
        assert!(serde_json::from_str::<Backoff>(r#"{"factor": 2}"#).is_err());
    }

    proptest! {
        #[test]
        fn a_wait_is_never_above_its_ceiling_nor_the_cap(
            base in 0u64..5_000,
            cap in 0u64..100_000,
            kind in 0usize..12,
            seed in any::<u64>(),
        ) {
            let backoff = Backoff {
                base: Span::millis(base),
                cap: Span::millis(cap),
                growth: [Growth::Constant, Growth::Linear, Growth::Exponential][kind % 3],
                jitter: [Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated][kind / 3],
            };
            let (mut rng, mut waited) = (Rng::new(seed), None);
            for attempt in 0..40 {
                let wait = backoff.wait(attempt, waited, &mut rng);
                prop_assert!(wait <= backoff.ceiling(attempt), "{attempt}: {wait:?}");
                prop_assert!(wait <= backoff.cap.0.max(backoff.base.0));
                waited = Some(wait);
            }
        }
    }
}
