//! The newest heartbeat, and arithmetic on its time.

use ninefold_core::time::Timestamp;

/// The newest heartbeat.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Latest {
    heard: Option<(u64, Timestamp)>,
}

/// What a heartbeat is to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It says nothing new: a repetition, or overtaken.
    Stale,
    /// It is the first one, or the first since the clock stepped back: what was measured is of no use.
    First,
    /// It is newer than the newest one, and came so many nanoseconds after it.
    Next(u64),
}

impl Latest {
    /// Takes a heartbeat for the newest one, if it is.
    pub(super) fn take(&mut self, seq: u64, arrived: Timestamp) -> News {
        let news = match self.heard {
            Some((newest, _)) if seq <= newest => return News::Stale,
            Some((_, before)) if arrived >= before => {
                News::Next(arrived.as_nanos() - before.as_nanos())
            }
            _ => News::First,
        };
        self.heard = Some((seq, arrived));
        news
    }

    /// When it arrived.
    pub(super) fn arrived(&self) -> Option<Timestamp> {
        self.heard.map(|(_, arrived)| arrived)
    }

    /// The number after its own.
    pub(super) fn next_seq(&self) -> Option<u64> {
        self.heard.map(|(seq, _)| seq.saturating_add(1))
    }

    /// The time since it arrived, in nanoseconds.
    pub(super) fn silence(&self, now: Timestamp) -> Option<f64> {
        self.arrived()
            .map(|arrived| float(now.as_nanos().saturating_sub(arrived.as_nanos())))
    }

    /// The time since it arrived as a share of the time allowed until `deadline`.
    pub(super) fn share(&self, now: Timestamp, deadline: Option<Timestamp>) -> f64 {
        let (Some(arrived), Some(deadline)) = (self.arrived(), deadline) else {
            return 0.0;
        };
        let allowed = deadline.as_nanos().saturating_sub(arrived.as_nanos());
        let silence = now.as_nanos().saturating_sub(arrived.as_nanos());
        let share = float(silence) / float(allowed.max(1));
        if now >= deadline {
            share.max(1.0)
        } else {
            share
        }
    }
}

/// Nanoseconds as a float: exact up to 104 days, far finer than any jitter beyond.
#[expect(clippy::cast_precision_loss, reason = "far finer than a nanosecond")]
pub(super) const fn float(nanos: u64) -> f64 {
    nanos as f64
}

/// A point in time some nanoseconds away, which may be negative; what is out of range stops at its end.
pub(super) fn offset(from: Timestamp, nanos: f64) -> Timestamp {
    let distance = whole(nanos);
    Timestamp::from_nanos(from.as_nanos().saturating_add_signed(distance))
}

/// The nearest whole nanosecond; no number is 0.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float saturates, and no number is 0"
)]
pub(super) const fn whole(nanos: f64) -> i64 {
    nanos.round() as i64
}

/// A signed number of nanoseconds as a float.
#[expect(clippy::cast_precision_loss, reason = "far finer than a nanosecond")]
pub(super) const fn signed(nanos: i64) -> f64 {
    nanos as f64
}

/// From `earlier` to `later`, negative if it is the other way round.
pub(super) fn difference(later: Timestamp, earlier: Timestamp) -> i64 {
    narrow(i128::from(later.as_nanos()) - i128::from(earlier.as_nanos()))
}

/// What does not fit stops at the end.
pub(super) fn narrow(nanos: i128) -> i64 {
    let end = if nanos < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(nanos).unwrap_or(end)
}
