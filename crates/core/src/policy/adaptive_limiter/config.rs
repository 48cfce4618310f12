//! The knobs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{InvalidPolicy, PolicyKind};
use crate::units::{Ratio, Span};

/// How the limit follows latencies. Each compares the latency of the last window with the baseline,
/// the latency of an idle service.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Keeps a few calls in the service's queue. Exact where latencies vary little.
    Vegas(Vegas),
    /// Shrinks by the ratio of baseline and latency. The default: it bears noise.
    Gradient2(Gradient2),
    /// Up by one, down by a share. The simplest, and the slowest to grow.
    Aimd(Aimd),
}

impl Default for Algorithm {
    fn default() -> Self {
        Self::Gradient2(Gradient2::default())
    }
}

/// After TCP Vegas (Brakmo and Peterson, 1995): `limit × (1 − baseline / latency)` is the number of
/// calls that wait in the service. Netflix's has no buffer; in a limit of 300 a latency that is by
/// chance a tenth too long counts as 30 waiting calls.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Vegas {
    /// With fewer than `alpha × log10(limit)` calls waiting the limit grows. 3 by default.
    pub alpha: f64,
    /// With more than `beta × log10(limit)` calls waiting it shrinks. 6 by default; above `alpha`.
    pub beta: f64,
    /// The share by which latencies may exceed the baseline by chance. 10 % by default; at most
    /// 100 %.
    pub buffer: Ratio,
}

impl Default for Vegas {
    fn default() -> Self {
        Self {
            alpha: 3.0,
            beta: 6.0,
            buffer: Ratio::percent(10),
        }
    }
}

/// After Netflix's `Gradient2Limit`, with a baseline that is measured, where theirs is the average
/// of the past.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Gradient2 {
    /// Latency in baselines that is still no overload. 1.5 by default; between 1 and 10.
    pub tolerance: f64,
    /// Calls by which the limit tries to grow; the square root of the limit if that is more. 4 by
    /// default.
    pub queue: u32,
    /// The share of a new limit in the next one. 20 % by default.
    pub smoothing: Ratio,
}

impl Default for Gradient2 {
    fn default() -> Self {
        Self {
            tolerance: 1.5,
            queue: 4,
            smoothing: Ratio::percent(20),
        }
    }
}

/// Additive increase, multiplicative decrease (Chiu and Jain, 1989).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Aimd {
    /// What is left of the limit after an overloaded window. 90 % by default; 50 % to 99 %.
    pub backoff: Ratio,
    /// Latency in baselines that is still no overload. 1.5 by default; between 1 and 10.
    pub tolerance: f64,
}

impl Default for Aimd {
    fn default() -> Self {
        Self {
            backoff: Ratio::percent(90),
            tolerance: 1.5,
        }
    }
}

/// How the limit is found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdaptiveLimiterConfig {
    /// How the limit follows latencies. `gradient2` by default.
    pub algorithm: Algorithm,
    /// The limit is never lower, except while the baseline is measured. 1 by default. Raise it only
    /// if the service bears that much on its worst day.
    pub min_limit: u32,
    /// The first limit. 20 by default; between `min_limit` and `max_limit`.
    pub initial_limit: u32,
    /// The limit is never higher. 1,000 by default; at most a million.
    pub max_limit: u32,
    /// The limit changes once in so long at most, and in a latency at most. 100ms by default;
    /// between 10ms and 10s.
    pub window: Span,
    /// Calls that must have ended in a window before it counts. 20 by default, at least 1.
    pub min_samples: u32,
    /// The latency of a window is this quantile of its calls. 90 % by default.
    pub quantile: Ratio,
    /// The limit is lowered when this share of a window's calls failed. 10 % by default. For it to
    /// make sense a failure must be a sign of overload, such as a timeout or a refusal.
    pub drop_threshold: Ratio,
    /// A latency that is too long whatever the baseline: above it the limit is lowered and nothing
    /// is learnt. None by default.
    pub max_rtt: Option<Span>,
    /// A latency that is so little above the baseline is no overload, however many baselines it is. 0s
    /// by default: where calls take a fraction of a millisecond, the wake-ups of busy threads are many
    /// baselines, and hurt nobody.
    pub slack: Span,
    /// How long latencies stay above the baseline before it is measured again. 30s by default.
    pub measure_after: Span,
}

impl Default for AdaptiveLimiterConfig {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::default(),
            min_limit: 1,
            initial_limit: 20,
            max_limit: 1_000,
            window: Span::millis(100),
            min_samples: 20,
            quantile: Ratio::percent(90),
            drop_threshold: Ratio::percent(10),
            max_rtt: None,
            slack: Span::millis(0),
            measure_after: Span::secs(30),
        }
    }
}

impl AdaptiveLimiterConfig {
    /// The highest limit.
    pub const LIMIT_MAX: u32 = 1_000_000;

    /// Whether a limiter can follow it.
    ///
    /// # Errors
    ///
    /// Whatever is out of range.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let limits = format!(
            "{}, {}, {}",
            self.min_limit, self.initial_limit, self.max_limit
        );
        let ordered = self.min_limit <= self.initial_limit && self.initial_limit <= self.max_limit;
        let windows = Span::millis(10)..=Span::secs(10);
        let quantiles = Ratio::percent(10)..=Ratio::percent(99);
        for (fits, field, value, remedy) in [
            (
                1 <= self.min_limit && ordered && self.max_limit <= Self::LIMIT_MAX,
                "initial_limit",
                limits,
                "1 <= min_limit <= initial_limit <= max_limit <= 1000000",
            ),
            (
                windows.contains(&self.window),
                "window",
                self.window.to_string(),
                "between 10ms and 10s",
            ),
            (
                self.min_samples >= 1,
                "min_samples",
                self.min_samples.to_string(),
                "at least 1",
            ),
            (
                quantiles.contains(&self.quantile),
                "quantile",
                self.quantile.to_string(),
                "between 10% and 99%",
            ),
            (
                self.measure_after >= Span::secs(1),
                "measure_after",
                self.measure_after.to_string(),
                "at least 1s",
            ),
            self.algorithm.check(),
        ] {
            if !fits {
                return Err(InvalidPolicy {
                    policy: PolicyKind::AdaptiveLimiter,
                    field,
                    value,
                    remedy,
                });
            }
        }
        Ok(())
    }
}

impl Algorithm {
    /// Whether it makes sense, and what to say if not.
    fn check(&self) -> (bool, &'static str, String, &'static str) {
        let tolerances = 1.0..=10.0;
        match self {
            Self::Vegas(vegas) => (
                0.0 < vegas.alpha && vegas.alpha < vegas.beta && vegas.beta <= 100.0,
                "algorithm.vegas",
                format!("{}, {}", vegas.alpha, vegas.beta),
                "0 < alpha < beta <= 100",
            ),
            Self::Gradient2(gradient) => (
                tolerances.contains(&gradient.tolerance)
                    && gradient.smoothing > Ratio::percent(0)
                    && gradient.queue >= 1,
                "algorithm.gradient2",
                format!(
                    "{}, {}, {}",
                    gradient.tolerance, gradient.queue, gradient.smoothing
                ),
                "1 <= tolerance <= 10, queue >= 1, smoothing > 0%",
            ),
            Self::Aimd(aimd) => (
                tolerances.contains(&aimd.tolerance)
                    && (Ratio::percent(50)..=Ratio::percent(99)).contains(&aimd.backoff),
                "algorithm.aimd",
                format!("{}, {}", aimd.tolerance, aimd.backoff),
                "1 <= tolerance <= 10, 50% <= backoff <= 99%",
            ),
        }
    }
}
