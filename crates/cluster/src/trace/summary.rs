use std::time::Duration;

use ninefold_core::time::Timestamp;

use super::Step;

/// What is known of a trace once it was read: what whoever configures a detector knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Heartbeats that arrived with a number above all before.
    pub heartbeats: u64,
    /// Heartbeats that arrived again, or overtaken.
    pub stale: u64,
    /// Stalls of the observer.
    pub stalls: u64,
    /// Of the first and of the newest: number, sent, arrived.
    ends: Option<(Seen, Seen)>,
    /// Whether each heartbeat says when it was sent, and none before it arrived.
    comparable: bool,
    /// The time on the way of all together, in nanoseconds.
    delay: u128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    seq: u64,
    sent: Option<Timestamp>,
    arrived: Timestamp,
}

/// From fewer than two heartbeats nothing follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is too short, with {0} heartbeats that count; it takes two, at different times and with rising numbers"
)]
pub struct TooShort(pub u64);

impl Summary {
    /// Takes the next step.
    pub fn add(&mut self, step: &Step) {
        let Step::Heartbeat { seq, sent, arrived } = *step else {
            self.stalls += 1;
            return;
        };
        let seen = Seen { seq, sent, arrived };
        match &mut self.ends {
            None => {
                self.ends = Some((seen, seen));
                self.comparable = true;
            }
            Some((_, newest)) if seq > newest.seq => *newest = seen,
            Some(_) => {
                self.stale += 1;
                return;
            }
        }
        self.heartbeats += 1;
        self.comparable &= sent.is_some_and(|sent| sent <= arrived);
        let on_the_way = sent.map(|sent| arrived.since(sent));
        self.delay += on_the_way.unwrap_or_default().as_nanos();
    }

    /// The time between two heartbeats: from their numbers, and when they were sent, or else arrived.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn interval(&self) -> Result<Duration, TooShort> {
        let too_short = TooShort(self.heartbeats);
        let (first, newest) = self.ends.ok_or(too_short)?;
        let numbers = newest.seq.saturating_sub(first.seq);
        let span = match (first.sent, newest.sent) {
            (Some(first), Some(newest)) if newest > first => newest.since(first),
            _ => newest.arrived.since(first.arrived),
        };
        let interval = span.as_nanos().checked_div(u128::from(numbers));
        let interval = interval.and_then(|nanos| u64::try_from(nanos).ok());
        match interval {
            Some(nanos) if nanos > 0 => Ok(Duration::from_nanos(nanos)),
            _ => Err(too_short),
        }
    }

    /// Numbers that never arrived.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let numbers = self
            .ends
            .map_or(0, |(first, newest)| newest.seq - first.seq);
        numbers
            .saturating_add(1)
            .saturating_sub(self.heartbeats + self.stale)
    }

    /// From the first arrival to the newest.
    #[must_use]
    pub fn span(&self) -> Duration {
        let span = |(first, newest): (Seen, Seen)| newest.arrived.since(first.arrived);
        self.ends.map(span).unwrap_or_default()
    }

    /// The mean time on the way, where both clocks can be compared: all heartbeats say when they were sent, and
    /// none arrived before.
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        let mean = self.delay.checked_div(u128::from(self.heartbeats))?;
        self.comparable
            .then(|| Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(rows: &[(u64, Option<u64>, u64)]) -> Summary {
        let mut summary = Summary::default();
        for (seq, sent, arrived) in rows {
            summary.add(&Step::Heartbeat {
                seq: *seq,
                sent: sent.map(Timestamp::from_millis),
                arrived: Timestamp::from_millis(*arrived),
            });
        }
        summary
    }

    #[test]
    fn interval_loss_and_delay_are_found() {
        let found = summary(&[
            (1, Some(100), 110),
            (2, Some(200), 230),
            (2, Some(200), 235),
            (5, Some(500), 520),
        ]);
        assert_eq!(found.interval(), Ok(Duration::from_millis(100)));
        assert_eq!(found.delay(), Some(Duration::from_millis(20)));
        assert_eq!(
            (found.heartbeats, found.stale, found.span()),
            (3, 1, Duration::from_millis(410))
        );
        // 3 and 4; which of those that came late filled a gap is not kept.
        assert_eq!(found.lost(), 1);
    }

    #[test]
    fn clocks_that_differ_are_not_compared() {
        let ahead = summary(&[(1, Some(100), 90), (2, Some(200), 190)]);
        assert_eq!(
            (ahead.delay(), ahead.interval()),
            (None, Ok(Duration::from_millis(100)))
        );
        let unknown = summary(&[(1, None, 100), (2, None, 150)]);
        assert_eq!(
            (unknown.delay(), unknown.interval()),
            (None, Ok(Duration::from_millis(50)))
        );
    }

    #[test]
    fn from_too_few_nothing_follows() {
        assert_eq!(summary(&[]).interval(), Err(TooShort(0)));
        assert_eq!(summary(&[(1, None, 5)]).interval(), Err(TooShort(1)));
        assert_eq!(
            summary(&[(1, None, 5), (2, None, 5)]).interval(),
            Err(TooShort(2))
        );
        assert_eq!(
            summary(&[(0, None, 0), (u64::MAX, None, 5)]).interval(),
            Err(TooShort(2))
        );
    }
}
