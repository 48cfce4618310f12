use std::time::Duration;

use ninefold_core::policy::QuantileSketch;
use ninefold_core::time::{Timestamp, nanos};

use super::{Detection, Mistakes, Qos};
use crate::detector::FailureDetector;
use crate::trace::Step;

/// From when on a detection time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// From when the last heartbeat was sent: both clocks can be compared.
    Sent,
    /// From when it arrived.
    Arrived,
}

/// A detector on a trace, and what it was worth. It is of constant size, and a step allocates nothing.
#[derive(Debug)]
pub struct Meter<D> {
    detector: D,
    since: Since,
    clock: Option<Clock>,
    newest: Option<u64>,
    /// Heartbeats after which the detector kept what was asked of it.
    kept: Option<u64>,
    detections: Total,
    sketch: QuantileSketch,
    /// Nanoseconds of the mistake that goes on.
    mistake: Option<u64>,
    mistakes: Total,
}

/// The time observed.
#[derive(Clone, Copy, Debug)]
struct Clock {
    now: Timestamp,
    /// Nanoseconds.
    observed: u64,
}

/// Durations in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Total {
    count: u64,
    sum: u128,
    longest: u64,
}

impl Total {
    fn add(&mut self, nanos: u64) {
        self.count += 1;
        self.sum += u128::from(nanos);
        self.longest = self.longest.max(nanos);
    }

    fn mean(&self) -> Option<Duration> {
        let mean = self.sum.checked_div(u128::from(self.count))?;
        Some(Duration::from_nanos(
            u64::try_from(mean).unwrap_or(u64::MAX),
        ))
    }
}

impl<D: FailureDetector> Meter<D> {
    /// A detector that has seen nothing yet.
    #[must_use]
    pub fn new(detector: D, since: Since) -> Self {
        Self {
            detector,
            since,
            clock: None,
            newest: None,
            kept: None,
            detections: Total::default(),
            sketch: QuantileSketch::default(),
            mistake: None,
            mistakes: Total::default(),
        }
    }

    /// The next step of the trace.
    pub fn step(&mut self, step: &Step) {
        match *step {
            Step::Heartbeat { seq, sent, arrived } => {
                self.advance(arrived);
                self.detector.heartbeat(seq, sent, arrived);
                if self.newest.is_none_or(|newest| seq > newest) {
                    self.newest = Some(seq);
                    self.detection(sent, arrived);
                }
                self.settle(arrived);
            }
            Step::Stall { from, to } => {
                self.advance(from);
                self.detector.stalled(from, to);
                // What lies between was not observed.
                if let Some(clock) = &mut self.clock {
                    clock.now = clock.now.max(to);
                    let now = clock.now;
                    self.settle(now);
                }
            }
        }
    }

    /// What it was worth until the last step.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
    pub fn finish(mut self) -> Qos {
        self.end_mistake();
        let observed = self.clock.map_or(0, |clock| clock.observed);
        let recurrence = observed.checked_div(self.mistakes.count);
        let mistakes = self.mistakes.mean().zip(recurrence);
        let detection = self.detections.mean().zip(self.sketch.quantile(0.99));
        Qos {
            observed: Duration::from_nanos(observed),
            detection: detection.map(|(mean, p99)| {
                let longest = Duration::from_nanos(self.detections.longest);
                Detection {
                    mean,
                    // The sketch tells the middle of a bucket.
                    p99: p99.min(longest),
                    longest,
                }
            }),
            mistakes: mistakes.map(|(mean, recurrence)| Mistakes {
                count: self.mistakes.count,
                recurrence: Duration::from_nanos(recurrence),
                mean,
                longest: Duration::from_nanos(self.mistakes.longest),
            }),
            query_accuracy: 1.0 - self.mistakes.sum as f64 / observed.max(1) as f64,
            request_kept: self
                .kept
                .map(|kept| kept as f64 / self.detections.count.max(1) as f64),
        }
    }

    /// Time passes until `to`, and the detector may begin to suspect.
    fn advance(&mut self, to: Timestamp) {
        let Some(clock) = &mut self.clock else {
            self.clock = Some(Clock {
                now: to,
                observed: 0,
            });
            return;
        };
        let from = clock.now;
        clock.now = from.max(to);
        clock.observed = clock.observed.saturating_add(nanos(to.since(from)));
        if let Some(deadline) = self.detector.deadline().filter(|deadline| *deadline < to) {
            let wrong = nanos(to.since(deadline.max(from)));
            if wrong > 0 {
                let mistake = self.mistake.get_or_insert(0);
                *mistake = mistake.saturating_add(wrong);
            }
        }
    }

    /// What the sender's crash at its last heartbeat would have looked like.
    fn detection(&mut self, sent: Option<Timestamp>, arrived: Timestamp) {
        let Some(deadline) = self.detector.deadline() else {
            return;
        };
        let crashed = match self.since {
            Since::Sent => sent.unwrap_or(arrived),
            Since::Arrived => arrived,
        };
        if let Some(keeps) = self.detector.keeps_request() {
            *self.kept.get_or_insert(0) += u64::from(keeps);
        }
        let time = deadline.since(crashed);
        self.detections.add(nanos(time));
        self.sketch.record(time);
    }

    /// A mistake ends where the deadline is ahead again.
    fn settle(&mut self, now: Timestamp) {
        if self.mistake.is_some() && !self.detector.suspects(now) {
            self.end_mistake();
        }
    }

    fn end_mistake(&mut self) {
        if let Some(nanos) = self.mistake.take() {
            self.mistakes.add(nanos);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detector::FixedTimeout;

    fn millis(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn measured(timeout: u64, since: Since, steps: &[Step]) -> Qos {
        let detector = FixedTimeout::new(Duration::from_millis(timeout));
        let mut meter = Meter::new(detector, since);
        for step in steps {
            meter.step(step);
        }
        meter.finish()
    }

    fn heartbeats(rows: &[(u64, u64, u64)]) -> Vec<Step> {
        let step = |(seq, sent, arrived): &(u64, u64, u64)| Step::Heartbeat {
            seq: *seq,
            sent: Some(millis(*sent)),
            arrived: millis(*arrived),
        };
        rows.iter().map(step).collect()
    }

    #[test]
    fn a_trace_by_hand() {
        // Silences of 100, 300, 100 and 500 ms, with a repetition in the last one.
        let steps = heartbeats(&[
            (1, 0, 10),
            (2, 100, 110),
            (3, 200, 410),
            (4, 500, 510),
            (4, 500, 900),
            (5, 1_000, 1_010),
        ]);
        let qos = measured(250, Since::Sent, &steps);
        assert_eq!(qos.observed, Duration::from_secs(1));
        // Wrong from 360 to 410, and from 760 to 1,010.
        assert_eq!(
            qos.mistakes,
            Some(Mistakes {
                count: 2,
                recurrence: Duration::from_millis(500),
                mean: Duration::from_millis(150),
                longest: Duration::from_millis(250),
            })
        );
        assert!((qos.query_accuracy - 0.7).abs() < 1e-12);
        assert!((qos.mistakes_per_hour() - 7_200.0).abs() < 1e-9);
        // 260, 260, 460, 260, 260 after the sending.
        let detection = qos.detection.unwrap();
        assert_eq!(detection.mean, Duration::from_millis(300));
        assert_eq!(detection.longest, Duration::from_millis(460));
        let arrived = measured(250, Since::Arrived, &steps).detection.unwrap();
        assert_eq!(arrived.mean, Duration::from_millis(250));
    }

    #[test]
    fn without_mistakes_and_without_anything() {
        let qos = measured(250, Since::Sent, &heartbeats(&[(1, 0, 10), (2, 100, 260)]));
        assert_eq!((qos.mistakes, qos.count()), (None, 0));
        assert!((qos.query_accuracy - 1.0).abs() < 1e-12);
        let nothing = measured(250, Since::Sent, &[]);
        assert_eq!(
            (nothing.detection, nothing.observed),
            (None, Duration::ZERO)
        );
        assert!((nothing.mistakes_per_hour()).abs() < 1e-12);
    }

    #[test]
    fn a_stall_is_not_observed() {
        let mut steps = heartbeats(&[(1, 0, 0), (2, 100, 1_400)]);
        let (from, to) = (millis(200), millis(1_300));
        steps.insert(1, Step::Stall { from, to });
        // Due in the stall: wrong from its end on.
        let qos = measured(250, Since::Sent, &steps);
        assert_eq!(qos.observed, Duration::from_millis(300));
        let mistakes = qos.mistakes.unwrap();
        assert_eq!(
            (mistakes.count, mistakes.mean),
            (1, Duration::from_millis(100))
        );
        // Read in the moment of waking, nobody could have asked before.
        let mut steps = heartbeats(&[(1, 0, 0), (2, 100, 1_300)]);
        steps.insert(1, Step::Stall { from, to });
        assert_eq!(measured(250, Since::Sent, &steps).mistakes, None);
    }
}
