//! What can be set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{InvalidPolicy, PolicyKind};
use crate::units::{Ratio, Span};

/// The most calls that a window by count remembers. A longer memory is what a window by time is for.
pub const CALLS_MAX: u32 = 10_000;

/// The most buckets of a window by time.
pub const BUCKETS_MAX: u32 = 64;

/// The most trial calls of a half-open breaker.
pub const TRIALS_MAX: u32 = 1_000;

/// The largest factor by which the wait grows.
pub const OPEN_WAIT_FACTOR_MAX: f64 = 10.0;

/// Which calls are looked at to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SlidingWindow {
    /// The last so many calls that were counted, however long ago: 1 to 10,000.
    Count(u32),
    /// The calls that ended within a time.
    Time {
        /// How far back. At least a millisecond a bucket.
        span: Span,
        /// In how many steps it slides: 1 to 64. What is older than `span` is forgotten at most
        /// one step early, never late.
        #[serde(default = "ten")]
        buckets: u32,
    },
}

const fn ten() -> u32 {
    10
}

/// The knobs of a [`CircuitBreaker`](super::CircuitBreaker).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CircuitBreakerConfig {
    /// Opens when at least this share of the window failed. Above 0 %; default 50 %.
    pub failure_rate_threshold: Ratio,
    /// Opens when at least this share of the window was slow. Above 0 %; default 100 %. A call is
    /// slow if it ended as `Outcome::Slow` or took [`Self::slow_call_duration`].
    pub slow_call_rate_threshold: Ratio,
    /// From how long on a call is slow. Default: not measured, and then an admitted call of a
    /// closed breaker with a window by count reads no clock at all. Calls that began while it was
    /// not measured are not measured.
    pub slow_call_duration: Option<Span>,
    /// How many calls the window must hold before the rates mean anything: at least 1, at most the
    /// window. Default 20.
    pub minimum_calls: u32,
    /// Which calls are looked at. Default: the last 100.
    pub sliding_window: SlidingWindow,
    /// How long it stays open before it tries again. Default 5 s.
    pub open_wait: Span,
    /// By what the wait is multiplied each time the trial calls fail: 1 (it does not grow) to 10.
    /// Default 2. A breaker that closes begins with [`Self::open_wait`] again.
    pub open_wait_factor: f64,
    /// What the wait grows to at most; not below [`Self::open_wait`]. Default 60 s.
    pub open_wait_max: Span,
    /// Up to which share the wait is shortened at random, so that many callers do not try again in
    /// the same instant. Default 10 %: of 5 s something between 4.5 s and 5 s.
    pub open_wait_jitter: Ratio,
    /// How many trial calls decide whether it closes: 1 to 1,000. Default 5.
    pub permitted_calls_in_half_open: u32,
    /// It closes when at least this share of the trial calls succeeded and fewer than
    /// [`Self::slow_call_rate_threshold`] were slow. Above 0 %; default 80 %, 4 of 5.
    pub half_open_success_rate: Ratio,
    /// How long it stays half open at most; then trial calls that have not ended count as failed.
    /// Longer than a good call takes; default 10 s.
    pub max_wait_in_half_open: Span,
}

impl Default for CircuitBreakerConfig {
    fn default() -> Self {
        Self {
            failure_rate_threshold: Ratio::percent(50),
            slow_call_rate_threshold: Ratio::ONE,
            slow_call_duration: None,
            minimum_calls: 20,
            sliding_window: SlidingWindow::Count(100),
            open_wait: Span::secs(5),
            open_wait_factor: 2.0,
            open_wait_max: Span::secs(60),
            open_wait_jitter: Ratio::percent(10),
            permitted_calls_in_half_open: 5,
            half_open_success_rate: Ratio::percent(80),
            max_wait_in_half_open: Span::secs(10),
        }
    }
}

impl CircuitBreakerConfig {
    /// Says whether a breaker can follow it.
    ///
    /// # Errors
    ///
    /// The first field that makes no sense, and what is allowed.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let above_zero = |field, ratio: Ratio| {
            check(ratio.parts_per_billion() > 0, field, ratio, "more than 0%")
        };
        above_zero("failure_rate_threshold", self.failure_rate_threshold)?;
        above_zero("slow_call_rate_threshold", self.slow_call_rate_threshold)?;
        above_zero("half_open_success_rate", self.half_open_success_rate)?;
        if let Some(span) = self.slow_call_duration {
            lasting("slow_call_duration", span)?;
        }
        self.validate_window()?;
        lasting("open_wait", self.open_wait)?;
        check(
            (1.0..=OPEN_WAIT_FACTOR_MAX).contains(&self.open_wait_factor),
            "open_wait_factor",
            self.open_wait_factor,
            "from 1 (the wait does not grow) to 10",
        )?;
        check(
            self.open_wait_max >= self.open_wait,
            "open_wait_max",
            self.open_wait_max,
            "at least `open_wait`",
        )?;
        check(
            (1..=TRIALS_MAX).contains(&self.permitted_calls_in_half_open),
            "permitted_calls_in_half_open",
            self.permitted_calls_in_half_open,
            "from 1 to 1000",
        )?;
        lasting("max_wait_in_half_open", self.max_wait_in_half_open)
    }

    fn validate_window(&self) -> Result<(), InvalidPolicy> {
        check(
            self.minimum_calls >= 1,
            "minimum_calls",
            self.minimum_calls,
            "at least 1",
        )?;
        match self.sliding_window {
            SlidingWindow::Count(calls) => {
                check(
                    (1..=CALLS_MAX).contains(&calls),
                    "sliding_window.count",
                    calls,
                    "from 1 to 10000 calls; a window by time remembers more",
                )?;
                check(
                    self.minimum_calls <= calls,
                    "minimum_calls",
                    self.minimum_calls,
                    "at most the calls that `sliding_window` holds, or it never opens",
                )
            }
            SlidingWindow::Time { span, buckets } => {
                check(
                    (1..=BUCKETS_MAX).contains(&buckets),
                    "sliding_window.time.buckets",
                    buckets,
                    "from 1 to 64",
                )?;
                check(
                    span.as_nanos() / u64::from(buckets) >= 1_000_000,
                    "sliding_window.time.span",
                    span,
                    "at least a millisecond for each of its buckets",
                )
            }
        }
    }
}

fn lasting(field: &'static str, span: Span) -> Result<(), InvalidPolicy> {
    check(span.as_nanos() > 0, field, span, "longer than 0s")
}

fn check(
    good: bool,
    field: &'static str,
    value: impl ToString,
    remedy: &'static str,
) -> Result<(), InvalidPolicy> {
    if good {
        return Ok(());
    }
    Err(InvalidPolicy {
        policy: PolicyKind::CircuitBreaker,
        field,
        value: value.to_string(),
        remedy,
    })
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut CircuitBreakerConfig)) -> &'static str {
        let mut config = CircuitBreakerConfig::default();
        change(&mut config);
        config.validate().unwrap_err().field
    }

    #[test]
    fn the_defaults_are_sound() {
        assert_eq!(CircuitBreakerConfig::default().validate(), Ok(()));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let zero = Ratio::percent(0);
        let time = |span, buckets| SlidingWindow::Time { span, buckets };
        let cases = [
            refused(|c| c.failure_rate_threshold = zero),
            refused(|c| c.slow_call_rate_threshold = zero),
            refused(|c| c.half_open_success_rate = zero),
            refused(|c| c.slow_call_duration = Some(Span::secs(0))),
            refused(|c| c.minimum_calls = 0),
            refused(|c| c.minimum_calls = 101),
            refused(|c| c.sliding_window = SlidingWindow::Count(0)),
            refused(|c| c.sliding_window = SlidingWindow::Count(10_001)),
            refused(|c| c.sliding_window = time(Span::secs(1), 0)),
            refused(|c| c.sliding_window = time(Span::secs(1), 65)),
            refused(|c| c.sliding_window = time(Span::millis(9), 10)),
            refused(|c| c.open_wait = Span::secs(0)),
            refused(|c| c.open_wait = Span::secs(61)),
            refused(|c| c.open_wait_factor = 0.5),
            refused(|c| c.open_wait_factor = f64::NAN),
            refused(|c| c.open_wait_factor = f64::INFINITY),
            refused(|c| c.permitted_calls_in_half_open = 0),
            refused(|c| c.permitted_calls_in_half_open = 1_001),
            refused(|c| c.max_wait_in_half_open = Span::secs(0)),
        ];
        let fields = [
            "failure_rate_threshold",
            "slow_call_rate_threshold",
            "half_open_success_rate",
            "slow_call_duration",
            "minimum_calls",
            "minimum_calls",
            "sliding_window.count",
            "sliding_window.count",
            "sliding_window.time.buckets",
            "sliding_window.time.buckets",
            "sliding_window.time.span",
            "open_wait",
            "open_wait_max",
            "open_wait_factor",
            "open_wait_factor",
            "open_wait_factor",
            "permitted_calls_in_half_open",
            "permitted_calls_in_half_open",
            "max_wait_in_half_open",
        ];
        assert_eq!(cases, fields);
    }

    #[test]
    fn it_is_read_with_units_and_unknown_keys_are_refused() {
        let text = r#"{ "failure_rate_threshold": "25%", "open_wait": "2s",
                        "sliding_window": { "time": { "span": "10s" } } }"#;
        let config: CircuitBreakerConfig = serde_json::from_str(text).unwrap();
        assert_eq!(config.failure_rate_threshold, Ratio::percent(25));
        assert_eq!(
            config.sliding_window,
            SlidingWindow::Time {
                span: Span::secs(10),
                buckets: 10
            }
        );
        let written = serde_json::to_string(&config).unwrap();
        assert_eq!(
            serde_json::from_str::<CircuitBreakerConfig>(&written).unwrap(),
            config
        );
        for bad in [
            r#"{ "failure_rate": "25%" }"#,
            r#"{ "sliding_window": { "time": { "span": "10s", "bucket": 3 } } }"#,
        ] {
            assert!(serde_json::from_str::<CircuitBreakerConfig>(bad).is_err());
        }
    }
}
