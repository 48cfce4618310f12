//! Whether to try again, and when.
//!
//! # What it is for
//!
//! Failures that are gone a moment later: a replica that died under a call, a full queue, a lost
//! connection. The caller tries again, at most [`max_attempts`](RetryConfig::max_attempts) times in
//! all, waits in between, and is held by a [`RetryBudget`] that it shares with whatever else repeats
//! calls.
//!
//! # When not to use it
//!
//! For what fails the same way every time, and for what must not happen twice. Whether a call may be
//! repeated is the caller's to say: [`Repeat::Always`] for what is idempotent, [`Repeat::Unsent`]
//! for what may be repeated only if it certainly was not sent. And at one layer only: retries of
//! retries multiply.
//!
//! # How it decides
//!
//! In this order, and the first that objects ends it: the result itself ([`Advice`]); whether this
//! call may be repeated; attempts left; a pushback of the server, which is waited for if it is not
//! too long, and obeyed if it says *never* (gRPC A6); the deadline, which must leave
//! [`min_useful`](RetryConfig::min_useful) after the wait (envoy#24316); and last the budget, from
//! which the attempt is withdrawn at once, before its wait.
//!
//! A server that says when to come back says it to many clients, so a jitter of one
//! [`base`](Backoff::base) is added to what it says.
//!
//! ```
//! use ninefold_core::policy::{Advice, Progress, Pushback, Repeat, RetryConfig, Stop};
//! use ninefold_core::rng::Rng;
//! use ninefold_core::time::Timestamp;
//!
//! let (config, now, mut rng) = (RetryConfig::default(), Timestamp::from_secs(1), Rng::new(7));
//! let failed = Advice::Again { sent: true, pushback: Pushback::Unsaid };
//! let read = Progress { repeat: Repeat::Always, ..Progress::default() };
//! let wait = config.next(failed, &read, now, None, &mut rng)?;
//! assert!(wait <= config.backoff.base.0);
//!
//! // It may have been sent, and must not happen twice.
//! let payment = Progress { repeat: Repeat::Unsent, ..Progress::default() };
//! assert_eq!(config.next(failed, &payment, now, None, &mut rng), Err(Stop::NotRepeatable));
//! # Ok::<(), Stop>(())
//! ```
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `max_attempts` | 3 | the first included; 1 to 100, and 1 never repeats |
//! | `backoff` | full jitter, 25 ms doubling to 250 ms | see [`backoff`](super::backoff) |
//! | `pushback_max` | `10s` | a server that says to wait longer is not asked again |
//! | `min_useful` | `0s` | what the deadline must leave for another attempt; what the fastest useful answer takes |
//!
//! # How it composes
//!
//! Outside of whatever refuses and times single attempts, inside of the
//! [deadline](super::deadline). Its budget is shared with the [hedge](super::hedge).
//!
//! # What it emits and costs
//!
//! The decision is a function: it emits nothing, holds nothing, and costs a random number and what
//! the budget costs. `ninefold`'s `Retry`, which carries it out, emits `Attempt`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Backoff, InvalidPolicy, PolicyKind, RetryBudget};
use crate::rng::Rng;
use crate::time::Timestamp;
use crate::units::Span;

/// How often to try, and how long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetryConfig {
    /// Attempts in all, the first included. 3 by default, at most
    /// [`Self::MAX_ATTEMPTS_MAX`]; 1 never repeats.
    pub max_attempts: u32,
    /// The waits between attempts. By default full jitter below 25 ms, doubling up to 250 ms, as in
    /// Envoy: short enough for a user who waits.
    pub backoff: Backoff,
    /// The longest pushback of a server that is waited for; a longer one ends the call. 10 s by
    /// default.
    pub pushback_max: Span,
    /// How much time the deadline must leave for an attempt to make sense. 0 s by default.
    pub min_useful: Span,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            backoff: Backoff::exponential(Duration::from_millis(25), Duration::from_millis(250)),
            pushback_max: Span::secs(10),
            min_useful: Span(Duration::ZERO),
        }
    }
}

/// Whether a call may be repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Repeat {
    /// In no case.
    Never,
    /// If it certainly was not sent. For calls that are not idempotent.
    #[default]
    Unsent,
    /// Even if it may have had its effect. For idempotent calls.
    Always,
}

/// What the end of an attempt says about another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// It is the answer, good or bad.
    Accept,
    /// Another attempt may end differently.
    Again {
        /// Whether this attempt may have reached the server.
        sent: bool,
        /// What the server said about when.
        pushback: Pushback,
    },
}

/// What a server says about when to come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pushback {
    /// Nothing.
    #[default]
    Unsaid,
    /// Not before this has passed: `retry-after`, `grpc-retry-pushback-ms`.
    After(Duration),
    /// Not at all.
    Never,
}

/// Why an attempt was the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stop {
    /// Its result is the answer.
    Accepted,
    /// The call may not be repeated.
    NotRepeatable,
    /// There were as many as may be.
    AttemptsSpent,
    /// The server said so, or to wait longer than is waited.
    PushedBack,
    /// The deadline leaves no time.
    DeadlineTooClose,
    /// The budget is spent.
    BudgetExhausted,
}

/// How far a call has come. The default is a call whose first attempt has just ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Repetitions so far; the attempt that just ended was number `repetitions` from 0.
    pub repetitions: u32,
    /// The wait before the last attempt.
    pub waited: Option<Duration>,
    /// Whether the call may be repeated.
    pub repeat: Repeat,
    /// When the caller stops waiting.
    pub deadline: Option<Timestamp>,
}

impl Progress {
    /// Whether another of `max_attempts` attempts could follow, whatever the result of this one.
    #[must_use]
    #[inline]
    pub fn may_go_on(&self, max_attempts: u32) -> bool {
        self.repeat != Repeat::Never && self.repetitions.saturating_add(1) < max_attempts
    }
}

impl RetryConfig {
    /// The most attempts.
    pub const MAX_ATTEMPTS_MAX: u32 = 100;

    /// Whether it makes sense.
    ///
    /// # Errors
    ///
    /// No attempt at all, too many, or a back-off that makes no sense.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        if !(1..=Self::MAX_ATTEMPTS_MAX).contains(&self.max_attempts) {
            return Err(InvalidPolicy {
                policy: PolicyKind::Retry,
                field: "max_attempts",
                value: self.max_attempts.to_string(),
                remedy: "from 1, which never repeats, to 100",
            });
        }
        self.backoff.validate()
    }

    /// Whether another attempt could follow number `repetitions` from 0, whatever its result.
    #[must_use]
    pub fn may_repeat(&self, repetitions: u32, repeat: Repeat) -> bool {
        let progress = Progress {
            repetitions,
            repeat,
            ..Progress::default()
        };
        progress.may_go_on(self.max_attempts)
    }

    /// The wait before the next attempt, which is withdrawn from `budget`, or why there is none.
    ///
    /// # Errors
    ///
    /// [`Stop`]: the attempt that just ended was the last.
    pub fn next(
        &self,
        advice: Advice,
        progress: &Progress,
        now: Timestamp,
        budget: Option<&RetryBudget>,
        rng: &mut Rng,
    ) -> Result<Duration, Stop> {
        let Advice::Again { sent, pushback } = advice else {
            return Err(Stop::Accepted);
        };
        match progress.repeat {
            Repeat::Never => return Err(Stop::NotRepeatable),
            Repeat::Unsent if sent => return Err(Stop::NotRepeatable),
            Repeat::Unsent | Repeat::Always => {}
        }
        if !self.may_repeat(progress.repetitions, progress.repeat) {
            return Err(Stop::AttemptsSpent);
        }
        let wait = match pushback {
            Pushback::Never => return Err(Stop::PushedBack),
            Pushback::After(wait) if wait > self.pushback_max.0 => return Err(Stop::PushedBack),
            Pushback::After(wait) => wait.saturating_add(rng.jitter(self.backoff.base.0)),
            Pushback::Unsaid => self
                .backoff
                .wait(progress.repetitions, progress.waited, rng),
        };
        if let Some(deadline) = progress.deadline {
            let needed = wait.saturating_add(self.min_useful.0);
            if now >= deadline || deadline.since(now) <= needed {
                return Err(Stop::DeadlineTooClose);
            }
        }
        match budget.map_or(Ok(()), |budget| budget.withdraw(now)) {
            Ok(()) => Ok(wait),
            Err(_exhausted) => Err(Stop::BudgetExhausted),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::policy::RetryBudgetConfig;
    use crate::units::{Rate, Ratio};

    const NOW: Timestamp = Timestamp::from_secs(50);
    const AGAIN: Advice = Advice::Again {
        sent: true,
        pushback: Pushback::Unsaid,
    };
    const IDEMPOTENT: Progress = Progress {
        repetitions: 0,
        waited: None,
        repeat: Repeat::Always,
        deadline: None,
    };

    fn next(advice: Advice, progress: Progress) -> Result<Duration, Stop> {
        RetryConfig::default().next(advice, &progress, NOW, None, &mut Rng::new(3))
    }

    #[test]
    fn istio_50506_what_may_have_happened_is_not_repeated() {
        let unsafe_call = Progress {
            repeat: Repeat::Unsent,
            ..IDEMPOTENT
        };
        assert_eq!(next(AGAIN, unsafe_call), Err(Stop::NotRepeatable));
        let unsent = Advice::Again {
            sent: false,
            pushback: Pushback::Unsaid,
        };
        assert!(next(unsent, unsafe_call).is_ok());
        let never = Progress {
            repeat: Repeat::Never,
            ..IDEMPOTENT
        };
        assert_eq!(next(unsent, never), Err(Stop::NotRepeatable));
        assert_eq!(Progress::default().repeat, Repeat::Unsent, "unless told");
    }

    #[test]
    fn attempts_are_counted_with_the_first() {
        let second = Progress {
            repetitions: 1,
            ..IDEMPOTENT
        };
        let third = Progress {
            repetitions: 2,
            ..IDEMPOTENT
        };
        assert!(next(AGAIN, second).is_ok());
        assert_eq!(next(AGAIN, third), Err(Stop::AttemptsSpent));
        assert_eq!(next(Advice::Accept, IDEMPOTENT), Err(Stop::Accepted));
    }

    #[test]
    fn pushback_is_obeyed() {
        let after = |secs| Advice::Again {
            sent: true,
            pushback: Pushback::After(Duration::from_secs(secs)),
        };
        let wait = next(after(2), IDEMPOTENT).unwrap();
        let jitter = Duration::from_millis(25);
        assert!((Duration::from_secs(2)..=Duration::from_secs(2) + jitter).contains(&wait));
        assert_eq!(next(after(11), IDEMPOTENT), Err(Stop::PushedBack));
        let never = Advice::Again {
            sent: true,
            pushback: Pushback::Never,
        };
        assert_eq!(next(never, IDEMPOTENT), Err(Stop::PushedBack));
    }

    #[test]
    fn envoy_24316_never_waits_longer_than_what_is_left() {
        let advice = Advice::Again {
            sent: true,
            pushback: Pushback::After(Duration::from_secs(2)),
        };
        for (left, expected) in [(1, false), (2, false), (3, true)] {
            let progress = Progress {
                deadline: Some(NOW + Duration::from_secs(left)),
                ..IDEMPOTENT
            };
            assert_eq!(next(advice, progress).is_ok(), expected, "{left} s left");
        }
        let past = Progress {
            deadline: Some(Timestamp::from_secs(49)),
            ..IDEMPOTENT
        };
        assert_eq!(next(AGAIN, past), Err(Stop::DeadlineTooClose));
    }

    #[test]
    fn polly_2348_the_budget_counts_what_is_scheduled_and_only_that() {
        let budget = RetryBudget::new(RetryBudgetConfig {
            ratio: Ratio::percent(10),
            floor: Rate::per_second(0),
        })
        .unwrap();
        (0..10).for_each(|_call| budget.deposit(NOW));
        let ask = |advice| {
            RetryConfig::default().next(advice, &IDEMPOTENT, NOW, Some(&budget), &mut Rng::new(1))
        };
        assert_eq!(ask(Advice::Accept), Err(Stop::Accepted));
        assert!(ask(AGAIN).is_ok(), "what was accepted took nothing");
        assert_eq!(ask(AGAIN), Err(Stop::BudgetExhausted));
    }

    #[test]
    fn configuration_is_checked_and_has_units() {
        let config: RetryConfig =
            serde_json::from_str(r#"{"max_attempts": 2, "pushback_max": "3s"}"#).unwrap();
        assert_eq!(
            (config.max_attempts, config.pushback_max),
            (2, Span::secs(3))
        );
        assert!(serde_json::from_str::<RetryConfig>(r#"{"attempts": 2}"#).is_err());
        for max_attempts in [0, 101] {
            let invalid = RetryConfig {
                max_attempts,
                ..RetryConfig::default()
            };
            assert_eq!(invalid.validate().unwrap_err().field, "max_attempts");
        }
    }
}
