use std::time::Duration;

use super::ring::Counts;
use super::windows::Windows;
use crate::time::Timestamp;
use crate::wilson;

/// Bad events in the long window before an alert fires.
pub const BAD_MIN: u64 = 5;

/// The quantile of the normal distribution for a one-sided bound of 95 %.
const Z: f64 = 1.645;

/// One alert: the budget burns at `factor` times the rate that spends it exactly, over both windows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alert {
    /// As in `page 14.4x over 1h/5m`.
    pub name: &'static str,
    /// Times the sustainable rate.
    pub factor: f64,
    /// Shows that it matters.
    pub long: Duration,
    /// Shows that it goes on.
    pub short: Duration,
}

/// The four alerts, most urgent first.
pub const ALERTS: [Alert; 4] = [
    Alert {
        name: "page 14.4x over 1h/5m",
        factor: 14.4,
        long: Duration::from_secs(3_600),
        short: Duration::from_secs(300),
    },
    Alert {
        name: "page 6x over 6h/30m",
        factor: 6.0,
        long: Duration::from_secs(21_600),
        short: Duration::from_secs(1_800),
    },
    Alert {
        name: "ticket 3x over 1d/2h",
        factor: 3.0,
        long: Duration::from_secs(86_400),
        short: Duration::from_secs(7_200),
    },
    Alert {
        name: "ticket 1x over 3d/6h",
        factor: 1.0,
        long: Duration::from_secs(259_200),
        short: Duration::from_secs(21_600),
    },
];

/// An alert that began or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertChange {
    /// The objective's key, as in `checkout/availability`.
    pub slo: String,
    /// The alert's name, as in `page 14.4x over 1h/5m`.
    pub alert: String,
    /// Whether it began (`true`) or ended.
    pub firing: bool,
}

impl Alert {
    /// Whether it fires for an objective that allows this share of bad events.
    #[must_use]
    pub fn fires(&self, windows: &Windows, now: Timestamp, allowed: f64) -> bool {
        // A share above 1 cannot be reached: with a generous objective the line is "all fail".
        let line = (self.factor * allowed).min(0.999);
        let long = windows.sum(now, self.long);
        let short = windows.sum(now, self.short);
        long.bad >= BAD_MIN
            && lower_bound(long) > line.min(0.9)
            && ratio(short).is_some_and(|ratio| ratio > line)
    }
}

/// The share of bad events; nothing without events.
#[expect(
    clippy::cast_precision_loss,
    reason = "a relative error of 2^-53 in a ratio is none"
)]
pub(super) fn ratio(counts: Counts) -> Option<f64> {
    (!counts.is_empty()).then(|| counts.bad as f64 / counts.total() as f64)
}

fn lower_bound(counts: Counts) -> f64 {
    wilson::lower_bound(counts.bad, counts.total(), Z)
}

/// Whether it is sure, as sure as an alert, that `one` has a higher share of bad events than
/// `other`, and a higher one than `line`; nothing is held for sure with less than [`BAD_MIN`] bad
/// events. Of nothing it is thought that nothing of it was bad.
#[must_use]
pub fn surely_worse(one: Counts, other: Counts, line: f64) -> bool {
    let least = wilson::upper_bound(other.bad, other.total(), Z).max(line);
    one.bad >= BAD_MIN && lower_bound(one) > least
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: f64 = 0.001;

    fn firing(total: u64, bad: u64) -> Vec<&'static str> {
        let mut windows = Windows::default();
        let now = Timestamp::from_secs(1_000_000);
        let good = total - bad;
        windows.add(now, Counts { good, bad });
        ALERTS
            .iter()
            .filter(|alert| alert.fires(&windows, now, ALLOWED))
            .map(|alert| alert.name)
            .collect()
    }

    #[test]
    fn worse_is_only_what_can_hardly_be_chance() {
        let of = |total: u64, bad| Counts {
            good: total - bad,
            bad,
        };
        for (one, other, expected) in [
            (of(100, 100), of(100, 0), true),
            (of(100, 10), of(1_000, 2), true),
            // What is behind both is down.
            (of(100, 100), of(100, 100), false),
            (of(100, 30), of(100, 20), false),
            // Too few to tell.
            (of(4, 4), of(1_000, 0), false),
            (of(20, 5), of(20, 1), false),
            (of(5, 5), of(1_000, 0), true),
            // Below the line.
            (of(10_000, 20), of(10_000, 0), false),
            (of(0, 0), of(0, 0), false),
            (of(10, 10), of(0, 0), true),
        ] {
            assert_eq!(
                surely_worse(one, other, 0.01),
                expected,
                "{one:?} {other:?}"
            );
        }
    }

    #[test]
    fn no_traffic_and_no_errors_are_silent() {
        assert!(firing(0, 0).is_empty());
        assert!(firing(1_000_000, 0).is_empty());
    }

    #[test]
    fn one_error_in_ten_requests_pages_nobody() {
        assert!(firing(10, 1).is_empty());
        assert!(firing(1, 1).is_empty());
    }

    #[test]
    fn an_outage_at_low_traffic_pages() {
        assert!(firing(10, 10).contains(&"page 14.4x over 1h/5m"));
    }

    #[test]
    fn the_rate_decides_at_high_traffic() {
        assert_eq!(firing(1_000_000, 20_000).len(), 4);
        assert!(!firing(1_000_000, 10_000).contains(&"page 14.4x over 1h/5m"));
        assert!(firing(1_000_000, 10_000).contains(&"page 6x over 6h/30m"));
        assert!(firing(1_000_000, 500).is_empty());
    }

    #[test]
    fn an_alert_ends_when_the_short_window_is_clean() {
        let mut windows = Windows::default();
        let then = Timestamp::from_secs(1_000_000);
        windows.add(then, Counts { good: 0, bad: 100 });
        let [page, ..] = ALERTS;
        assert!(page.fires(&windows, then, ALLOWED));
        let later = then + Duration::from_secs(400);
        windows.add(later, Counts { good: 100, bad: 0 });
        assert!(!page.fires(&windows, later, ALLOWED));
    }

    #[test]
    fn the_lower_bound_is_below_the_share_and_closes_in() {
        let few = lower_bound(Counts { good: 9, bad: 1 });
        let many = lower_bound(Counts {
            good: 9_000_000,
            bad: 1_000_000,
        });
        assert!(few > 0.0 && few < 0.05, "{few}");
        assert!(many > 0.099 && many < 0.1, "{many}");
    }
}
