//! Figures that reports share.

use std::time::Duration;

use serde::Serialize;

/// Requests of one trial, or of all trials of a claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// Intended between the fault and the end of the settling time.
    pub sent: u64,
    /// Acknowledged.
    pub acked: u64,
    /// Failed for certain, those with a wrong answer included.
    pub failed: u64,
    /// Of these: answered, with another body than before the fault; where that is compared.
    pub wrong: u64,
    /// Neither.
    pub unknown: u64,
    /// Met a failure inside and were answered all the same, as the gateway counts them.
    pub masked: u64,
    /// Hit by the fault, where the gateway injects it and counts them: what the verdict rests on.
    pub hit: u64,
}

impl Requests {
    /// `acked / (acked + failed)`; nothing without either.
    #[must_use]
    pub fn availability(&self) -> Option<f64> {
        ratio(self.acked, self.acked.saturating_add(self.failed))
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            sent: self.sent.saturating_add(other.sent),
            acked: self.acked.saturating_add(other.acked),
            failed: self.failed.saturating_add(other.failed),
            wrong: self.wrong.saturating_add(other.wrong),
            unknown: self.unknown.saturating_add(other.unknown),
            masked: self.masked.saturating_add(other.masked),
            hit: self.hit.saturating_add(other.hit),
        }
    }
}

/// `part / whole`; nothing of nothing.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of one run are far below 2^53"
)]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Percentiles by nearest rank, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Percentiles {
    /// The median.
    pub p50: f64,
    /// The 99th percentile: the worst of fewer than a hundred.
    pub p99: f64,
}

impl Percentiles {
    /// Of some durations; nothing of none.
    #[must_use]
    pub fn of(durations: impl Iterator<Item = Duration>) -> Option<Self> {
        let mut sorted: Vec<Duration> = durations.collect();
        sorted.sort_unstable();
        let rank = |percent: usize| {
            let rank = sorted.len().saturating_mul(percent).div_ceil(100);
            sorted.get(rank.saturating_sub(1)).copied().map(millis)
        };
        Some(Self {
            p50: rank(50)?,
            p99: rank(99)?,
        })
    }
}

/// Milliseconds, rounded to a hundredth.
pub(crate) fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

/// What reading back acknowledged writes found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Readback {
    /// Acknowledged writes that were looked for.
    pub checked: u64,
    /// Those that are not there.
    pub lost: u64,
    /// Those that could be neither found nor shown to be lost.
    pub unreadable: u64,
    /// The ids of the first 20 lost.
    pub lost_ids: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let of =
            |millis: &[u64]| Percentiles::of(millis.iter().map(|ms| Duration::from_millis(*ms)));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[7]).map(|p| (p.p50, p.p99)), Some((7.0, 7.0)));
        assert_eq!(
            of(&[5, 1, 3, 2, 4]).map(|p| (p.p50, p.p99)),
            Some((3.0, 5.0))
        );
        let many: Vec<u64> = (1..=200).collect();
        assert_eq!(of(&many).map(|p| (p.p50, p.p99)), Some((100.0, 198.0)));
    }

    #[test]
    fn unknown_is_neither_good_nor_bad() {
        let requests = Requests {
            sent: 13,
            acked: 9,
            failed: 1,
            unknown: 3,
            masked: 0,
            hit: 0,
            wrong: 0,
        };
        assert_eq!(requests.availability(), Some(0.9));
        assert_eq!(Requests::default().availability(), None);
    }
}
