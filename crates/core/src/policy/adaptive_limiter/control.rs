//! What follows from each window: the next limit, or a measurement of the baseline.

use std::time::Duration;

use super::algorithm::BACKOFF;
use super::baseline::{Baseline, Verdict, judge};
use super::memento::LimiterMemento;
use super::window::{Count, Orders, Seen, as_f64, whole, whole_nanos};
use super::{AdaptiveLimiterConfig, Algorithm};
use crate::time::Timestamp;

/// Latency in baselines above which the baseline is doubted; as it is while the limit is reached,
/// when fewer calls are let in than come anyway.
const DOUBTED_ABOVE: f64 = 1.25;
/// Latency in baselines above which, from the second window in a row on, a gradient halves the limit: step by
/// step it would take some twenty windows, each as long as the latency that it is to lower. A single
/// one may be a pause of the service.
const CROWDED_ABOVE: f64 = 4.0;
const HALVED: f64 = 0.5;
/// A limit that is not reached is no higher than so many times what is under way at most,
const ROOM_TIMES: f64 = 8.0;
/// or than this.
const ROOM_MIN: f64 = 64.0;
/// A measurement takes so many calls for each that may be under way, so that it is short,
const MEASURED_EACH: u32 = 8;
/// and no more than so many times those of a window.
const MEASURED_TIMES_MAX: u32 = 3;
/// Between two measurements lie so many latencies at least: one costs about five.
const BETWEEN_RTTS: f64 = 250.0;
/// But no more than this.
const BETWEEN_MAX: Duration = Duration::from_secs(600);
/// How long the last of them are waited for, in latencies.
const AWAITED_RTTS: f64 = 1.5;
/// Windows of growth in a row after which its steps are twice as large.
const DOUBLES_AFTER: f64 = 8.0;
/// The limit grows at most by this factor in a window.
const GROWTH_MAX: f64 = 1.25;
/// The latency of an unverified window may be this much above the one before, or the service's
/// queue is still filling and the comparison with fewer calls would say nothing.
const FILLING_ABOVE: f64 = 1.1;
/// Halvings of the concurrency in one measurement at most.
const HALVINGS_MAX: u32 = 6;
/// No window is longer, however long calls take.
pub(super) const WINDOW_MAX: Duration = Duration::from_secs(10);
/// A measurement that does not get its samples in so many windows is given up.
const PATIENCE_WINDOWS: u32 = 20;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// Following latencies.
    Steady,
    /// Fewer calls are let in; waiting for those before to end.
    Thinning(Measurement),
    /// Fewer calls are let in, and those that begin are measured.
    Measuring(Measurement),
    /// Waiting for the rest of them to end: without the slowest, all calls would look quick.
    Awaiting(Measurement),
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Measurement {
    /// Calls that may be under way meanwhile.
    level: u32,
    /// The latency at twice the level.
    before: f64,
    halvings: u32,
}

/// A limit that has been shrinking since it had this latency.
#[derive(Clone, Copy, Debug)]
struct Shrinking {
    limit: f64,
    rtt: f64,
}

/// The limit and all that leads to it. Pure: windows come in, orders go out.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) config: AdaptiveLimiterConfig,
    pub(super) limit: f64,
    pub(super) baseline: Baseline,
    mode: Mode,
    shrinking: Option<Shrinking>,
    /// Windows in a row that let the limit grow.
    growing: u32,
    /// Windows in a row that were many times as slow as the baseline.
    crowded: u32,
    doubted_since: Option<Timestamp>,
    measure_from: Timestamp,
}

impl Control {
    pub(super) fn new(config: AdaptiveLimiterConfig) -> Self {
        Self {
            limit: f64::from(config.initial_limit),
            config,
            baseline: Baseline::new(),
            mode: Mode::Steady,
            shrinking: None,
            growing: 0,
            crowded: 0,
            doubted_since: None,
            measure_from: Timestamp::ZERO,
        }
    }

    /// Follows another configuration. The baseline is kept, and the limit where it is allowed.
    pub(super) fn reconfigure(&mut self, config: AdaptiveLimiterConfig) -> Orders {
        self.config = config;
        self.limit = self.clamped(self.limit);
        self.orders(self.baseline.rtt().unwrap_or(0.0))
    }

    /// Goes on from what another one has learnt.
    pub(super) fn restore(&mut self, memento: &LimiterMemento, now: Timestamp) -> Orders {
        let mut next = Self::new(self.config);
        next.limit = next.clamped(memento.limit().unwrap_or(next.limit));
        next.baseline = Baseline::restored(memento, now);
        *self = next;
        self.orders(self.baseline.rtt().unwrap_or(0.0))
    }

    pub(super) const fn baseline(&self) -> Option<f64> {
        self.baseline.rtt()
    }

    pub(super) const fn state(&self) -> &'static str {
        match self.mode {
            Mode::Steady => "steady",
            Mode::Thinning(_) | Mode::Measuring(_) | Mode::Awaiting(_) => "measuring",
        }
    }

    /// A window has ended.
    pub(super) fn close(&mut self, seen: Seen, now: Timestamp) -> Orders {
        match self.mode {
            Mode::Steady => self.follow(seen, now),
            Mode::Thinning(measurement) => {
                self.mode = Mode::Measuring(measurement);
                self.orders(measurement.before)
            }
            Mode::Measuring(measurement) => {
                self.mode = Mode::Awaiting(measurement);
                self.orders(measurement.before * AWAITED_RTTS)
            }
            Mode::Awaiting(measurement) => self.measured(measurement, seen, now),
        }
    }

    fn follow(&mut self, seen: Seen, now: Timestamp) -> Orders {
        let dropping = self.is_dropping(seen);
        let too_slow = seen
            .rtt
            .zip(self.config.max_rtt)
            .is_some_and(|(rtt, max)| rtt > as_f64(max.0));
        let in_use = f64::from(seen.peak) * 2.0 >= self.limit;
        let (Some(rtt), false) = (seen.rtt, dropping || too_slow) else {
            self.limit = self.clamped(self.limit * BACKOFF);
            self.forget_trends();
            return self.orders(seen.rtt.unwrap_or(0.0));
        };
        let filling = self.baseline.is_rising(rtt, FILLING_ABOVE);
        let ratio = self.baseline.observe(rtt);
        let ratio = self.eased(rtt, ratio);
        if !in_use {
            // Of a limit that is not reached latencies say nothing, but of the service they do.
            self.baseline.trust(now);
            self.forget_trends();
            self.draw_in(f64::from(seen.peak));
            return self.orders(rtt);
        }
        let limit = self.limit;
        self.crowded = if ratio > CROWDED_ABOVE {
            self.crowded + 1
        } else {
            0
        };
        let gradual = !matches!(self.config.algorithm, Algorithm::Gradient2(_));
        let next = if gradual || self.crowded < 2 {
            self.config.algorithm.next(limit, ratio)
        } else {
            limit * HALVED
        };
        if next > limit {
            self.grow(next);
        } else {
            self.growing = 0;
            self.limit = self.clamped(next);
            self.judge_shrinking(limit, rtt, now);
        }
        let doubted = ratio > DOUBTED_ABOVE || seen.peak >= whole(limit);
        if !filling && self.is_doubtful(doubted, rtt, now) {
            let level = (seen.peak.min(whole(limit)) / 2).max(1);
            return self.thin(level, rtt, 0);
        }
        self.orders(rtt)
    }

    /// A latency in baselines, without what it may be above in any case.
    fn eased(&self, rtt: f64, ratio: f64) -> f64 {
        let slack = as_f64(self.config.slack.0);
        if slack <= 0.0 {
            return ratio;
        }
        (ratio * (rtt - slack) / rtt).max(ratio.min(1.0))
    }

    /// Grows, the faster the longer nothing speaks against it. Before the baseline is verified it
    /// may be that of an overload, so nothing grows on its account.
    fn grow(&mut self, next: f64) {
        self.shrinking = None;
        if !self.baseline.is_verified() {
            return;
        }
        let gain = (f64::from(self.growing) / DOUBLES_AFTER).exp2();
        let most = self.limit * GROWTH_MAX + 1.0;
        let next = (next - self.limit).mul_add(gain, self.limit).min(most);
        self.limit = self.clamped(next);
        self.growing = self.growing.saturating_add(1);
    }

    /// A limit far above what is used lets an overload in before it can be seen: it comes closer,
    /// slowly, and leaves room for a burst. Reached, it grows again.
    fn draw_in(&mut self, peak: f64) {
        let room = (peak * ROOM_TIMES).max(ROOM_MIN);
        if self.baseline.is_verified() && self.limit > room {
            self.limit = self.clamped((self.limit * BACKOFF).max(room));
        }
    }

    fn forget_trends(&mut self) {
        self.shrinking = None;
        self.growing = 0;
        self.crowded = 0;
        self.doubted_since = None;
    }

    /// A limit that shrank to the half is a measurement that costs nothing.
    fn judge_shrinking(&mut self, limit: f64, rtt: f64, now: Timestamp) {
        if self.limit >= limit {
            return;
        }
        match self.shrinking {
            Some(from) if limit > from.limit / 2.0 => {}
            Some(from) if judge(from.rtt, rtt) == Verdict::Inherent => {
                self.baseline.learn(rtt, now);
                self.shrinking = None;
            }
            Some(_) | None => self.shrinking = Some(Shrinking { limit, rtt }),
        }
    }

    /// Whether it is time to measure the baseline.
    fn is_doubtful(&mut self, doubted: bool, rtt: f64, now: Timestamp) -> bool {
        if !self.baseline.is_verified() {
            return now >= self.measure_from;
        }
        if !doubted {
            self.doubted_since = None;
            return false;
        }
        let since = *self.doubted_since.get_or_insert(now);
        let between = Duration::from_nanos(whole_nanos(rtt * BETWEEN_RTTS)).min(BETWEEN_MAX);
        now.since(since) >= self.config.measure_after.0.max(between)
    }

    fn thin(&mut self, level: u32, before: f64, halvings: u32) -> Orders {
        self.mode = Mode::Thinning(Measurement {
            level,
            before,
            halvings,
        });
        self.orders(before)
    }

    fn measured(&mut self, of: Measurement, seen: Seen, now: Timestamp) -> Orders {
        let enough = seen.samples >= self.measured_calls(of.level) && !self.is_dropping(seen);
        let Some(rtt) = seen.rtt.filter(|_| enough) else {
            return self.resume(of.before, now);
        };
        let goes_on = of.level > 1 && of.halvings < HALVINGS_MAX;
        if goes_on && judge(of.before, rtt) == Verdict::Queueing {
            return self.thin(of.level / 2, rtt, of.halvings + 1);
        }
        self.baseline.learn(rtt, now);
        self.resume(rtt, now)
    }

    fn resume(&mut self, rtt: f64, now: Timestamp) -> Orders {
        self.mode = Mode::Steady;
        self.forget_trends();
        self.measure_from = now + self.config.measure_after.0;
        self.orders(rtt)
    }

    fn is_dropping(&self, seen: Seen) -> bool {
        let all = f64::from(seen.samples) + f64::from(seen.drops);
        seen.drops > 0 && f64::from(seen.drops) >= all * self.config.drop_threshold.as_f64()
    }

    /// Orders for the present mode, where calls take `rtt`: a window is as long as they do, so that
    /// what it shows is the effect of the limit before it.
    fn orders(&self, rtt: f64) -> Orders {
        let window = self
            .config
            .window
            .0
            .max(Duration::from_nanos(whole_nanos(rtt)))
            .min(WINDOW_MAX);
        let samples = self.config.min_samples;
        let patience = window.saturating_mul(PATIENCE_WINDOWS);
        let (limit, needed, patience, count) = match self.mode {
            Mode::Steady => (whole(self.limit), samples, Duration::MAX, Count::All),
            Mode::Thinning(of) => (of.level, 0, patience, Count::Nobody),
            Mode::Measuring(of) => {
                let needed = self.measured_calls(of.level);
                (of.level, needed, patience, Count::Beginners)
            }
            Mode::Awaiting(of) => (of.level, 0, patience, Count::Stragglers),
        };
        Orders {
            limit,
            window,
            needed,
            patience,
            count,
        }
    }

    fn measured_calls(&self, level: u32) -> u32 {
        let samples = self.config.min_samples;
        level.saturating_mul(MEASURED_EACH).clamp(
            samples.div_ceil(2),
            samples.saturating_mul(MEASURED_TIMES_MAX),
        )
    }

    fn clamped(&self, limit: f64) -> f64 {
        limit.clamp(
            f64::from(self.config.min_limit),
            f64::from(self.config.max_limit),
        )
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use proptest::prelude::*;

    use super::super::{Aimd, Algorithm, Vegas};
    use super::*;
    use crate::units::Span;

    /// The limit after 60 windows in which calls of a service that usually answers in 100 us took `us`,
    /// with as many under way as the limit had been.
    fn after(slack: Span, us: u64) -> u32 {
        let mut control = Control::new(AdaptiveLimiterConfig {
            initial_limit: 64,
            min_limit: 8,
            slack,
            ..AdaptiveLimiterConfig::default()
        });
        let mut now = Timestamp::from_secs(100);
        let mut limit = 64;
        for window in 0..80 {
            now = now + Duration::from_millis(100);
            let (us, peak) = if window < 20 { (100, 10) } else { (us, limit) };
            let seen = Seen {
                rtt: Some(as_f64(Duration::from_micros(us))),
                samples: 1_000,
                drops: 0,
                peak,
            };
            limit = control.close(seen, now).limit;
        }
        limit
    }

    #[test]
    fn a_busy_service_that_answers_at_once_is_not_taken_for_overloaded() {
        let (none, some) = (Span::millis(0), Span::millis(5));
        assert_eq!(after(none, 900), 8);
        assert!(after(some, 900) > 64, "{}", after(some, 900));
        assert_eq!(after(some, 9_000), 8);
        let config = AdaptiveLimiterConfig {
            slack: some,
            ..AdaptiveLimiterConfig::default()
        };
        let control = Control::new(config);
        let ms = |ms: u64| as_f64(Duration::from_millis(ms));
        for (rtt, ratio, eased) in [(20, 2.0, 1.5), (12, 1.2, 1.0), (6, 0.6, 0.6), (4, 2.0, 1.0)] {
            let is = control.eased(ms(rtt), ratio);
            assert!((is - eased).abs() < 1e-9, "{rtt}: {is}");
        }
    }

    proptest! {
        #[test]
        fn whatever_windows_say_the_limit_keeps_its_bounds(
            kind in 0usize..3,
            windows in prop::collection::vec(
                (0u64..10_000_000_000, 0u32..200, 0u32..200, 0u32..3_000, 1u64..20_000), 1..300,
            ),
        ) {
            let mut control = Control::new(AdaptiveLimiterConfig {
                algorithm: [
                    Algorithm::Vegas(Vegas::default()),
                    Algorithm::default(),
                    Algorithm::Aimd(Aimd::default()),
                ][kind],
                min_limit: 4,
                max_limit: 300,
                measure_after: Span::secs(5),
                ..AdaptiveLimiterConfig::default()
            });
            let mut now = Timestamp::from_secs(100);
            let mut before = 20;
            for (rtt, samples, drops, peak, ms) in windows {
                now = now + Duration::from_millis(ms);
                let seen = Seen {
                    rtt: (samples > 0).then(|| as_f64(Duration::from_nanos(rtt))),
                    samples,
                    drops,
                    peak,
                };
                let steady = control.state() == "steady";
                let orders = control.close(seen, now);
                prop_assert!(orders.window >= Duration::from_millis(100));
                prop_assert!(orders.window <= WINDOW_MAX);
                if control.state() == "measuring" {
                    prop_assert!((1..=300).contains(&orders.limit));
                    prop_assert!(orders.patience < Duration::from_secs(300));
                    continue;
                }
                prop_assert!((4..=300).contains(&orders.limit));
                if steady && (control.is_dropping(seen) || peak * 2 < before) {
                    prop_assert!(orders.limit <= before, "{before} became {}", orders.limit);
                }
                if steady {
                    prop_assert!(orders.limit <= before + before / 4 + 2);
                }
                before = orders.limit;
            }
        }
    }
}
