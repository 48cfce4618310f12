//! Ours: a deadline from what is asked for, and from no assumption on the distribution.

use std::time::Duration;

use ninefold_core::time::{Timestamp, nanos};

use super::FailureDetector;
use super::estimate::Estimate;
use super::latest::{Latest, News, difference, float, narrow, offset};
use super::stalls::Stalls;
use super::window::Window;

/// What is asked of a detector: the inputs of Chen's configuration procedure (section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// T_D: silence is suspected at the latest after so long, counted from when the last heartbeat usually
    /// arrives, or from when it did if that was earlier. So the usual time on the way is added, which only
    /// clocks that agree could tell.
    pub detection_time: Duration,
    /// T_MR: a live sender is wrongly suspected at most every so often.
    pub mistake_recurrence: Duration,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            detection_time: Duration::from_secs(1),
            mistake_recurrence: Duration::from_secs(3_600),
        }
    }
}

/// Suspects as early as the requested rarity of mistakes allows, and never later than the requested detection
/// time.
///
/// How much later than expected the next arrival is, its *overrun*, is remembered for every heartbeat, that
/// after a loss included. A mistake is an overrun beyond the deadline. One in `T_MR / η` heartbeats may be one,
/// so with `q = η / T_MR`, and by Cantelli's inequality, `P(X ≥ mean + x) ≤ σ² / (σ² + x²)`, the deadline is
///
/// ```text
/// EA + mean + σ · √(1/q − 1)
/// ```
///
/// whatever the distribution is, and whether losses and delays come alone or in bursts. That takes mean and σ
/// of two windows, and the later deadline of the two wins: the long one remembers what is rare, the short one
/// sees at once that the path has changed.
///
/// No window vouches for what it is too short to have seen. So the long one always contains one lost heartbeat
/// that never was: a single loss convicts nobody unless such mistakes were asked for, and in the beginning, when
/// it weighs most, the detector is as patient as it may be.
///
/// Where both requests cannot be met the detection time is kept, and [`keeps_request`](FailureDetector::keeps_request)
/// says so. No deadline is earlier than one interval after an arrival, as nothing is due before: so a heartbeat
/// always restores trust, however late it is.
///
/// **Stalls of the observer.** Intervals that contain one are discarded, and so are arrivals that may have
/// waited for its end; the time of a stall does not count as silence.
#[derive(Clone, Debug)]
pub struct Cantelli {
    interval: u64,
    request: Request,
    /// `√(1/q − 1)`.
    factor: f64,
    latest: Latest,
    short: Bound,
    long: Bound,
    stalls: Stalls,
    /// By the bounds alone, and as it is.
    wanted: Option<Timestamp>,
    deadline: Option<Timestamp>,
}

/// The bound of one window.
#[derive(Clone, Debug)]
struct Bound {
    estimate: Estimate,
    overruns: Window,
    /// Lost heartbeats that are assumed beside what was seen.
    assumed: u8,
}

impl Cantelli {
    /// Heartbeats of the short window.
    pub const SHORT: usize = 16;
    /// Heartbeats of the long one.
    pub const LONG: usize = 1_000;

    /// For a heartbeat every `interval`.
    #[must_use]
    pub fn new(interval: Duration, request: Request) -> Self {
        Self::with_windows(interval, request, Self::SHORT, Self::LONG)
    }

    /// The same with other windows.
    #[must_use]
    pub fn with_windows(interval: Duration, request: Request, short: usize, long: usize) -> Self {
        let heartbeats =
            request.mistake_recurrence.as_secs_f64() / interval.as_secs_f64().max(1e-9);
        let bound = |window, assumed| Bound {
            estimate: Estimate::new(interval, window),
            overruns: Window::new(window),
            assumed,
        };
        Self {
            interval: nanos(interval),
            request,
            factor: (heartbeats - 1.0).max(0.0).sqrt(),
            latest: Latest::default(),
            short: bound(short, 0),
            long: bound(long, 1),
            stalls: Stalls::default(),
            wanted: None,
            deadline: None,
        }
    }

    /// The deadline after a heartbeat that usually arrives at some time, or is not known to.
    fn judge(&mut self, seq: u64, arrived: Timestamp, usual: Option<Timestamp>) {
        let next = seq.saturating_add(1);
        let bounds =
            [&self.short, &self.long].map(|bound| bound.deadline(next, self.interval, self.factor));
        self.wanted = bounds.into_iter().flatten().max();
        let since = usual.map_or(arrived, |usual| usual.min(arrived));
        let earliest = arrived + Duration::from_nanos(self.interval);
        let latest = (since + self.request.detection_time).max(earliest);
        self.deadline = Some(self.wanted.unwrap_or(latest).clamp(earliest, latest));
    }

    /// A heartbeat whose arrival says something about the path; and when it usually arrives.
    fn push(&mut self, seq: u64, arrived: Timestamp, awaited: u64) -> Option<Timestamp> {
        let bounds = [&mut self.short, &mut self.long];
        let usual = bounds.map(|bound| {
            bound.push(seq, arrived, awaited);
            bound.estimate.expected(seq)
        });
        usual.into_iter().flatten().max()
    }
}

impl Bound {
    fn push(&mut self, seq: u64, arrived: Timestamp, awaited: u64) {
        if let Some(expected) = self.estimate.expected(awaited) {
            self.overruns.push(difference(arrived, expected));
        }
        self.estimate.push(seq, arrived);
    }

    fn deadline(&self, next: u64, interval: u64, factor: f64) -> Option<Timestamp> {
        let expected = self.estimate.expected(next)?;
        // One value has no spread.
        if self.overruns.len() + usize::from(self.assumed) < 2 {
            return None;
        }
        let lost = narrow(interval.into());
        let (mean, variance) = self.overruns.moments_with(lost, self.assumed)?;
        Some(offset(expected, mean + factor * variance.max(0.0).sqrt()))
    }

    const fn clear(&mut self) {
        self.estimate.clear();
        self.overruns.clear();
    }
}

impl FailureDetector for Cantelli {
    fn heartbeat(&mut self, seq: u64, _sent: Option<Timestamp>, arrived: Timestamp) {
        let awaited = self.latest.next_seq().unwrap_or(seq);
        let usual = match self.latest.take(seq, arrived) {
            News::Stale => return,
            News::First => {
                self.short.clear();
                self.long.clear();
                self.stalls = Stalls::default();
                self.push(seq, arrived, awaited)
            }
            News::Next(_) => {
                let expected = self.long.estimate.expected(seq);
                let whole = self.stalls.end_silence(arrived, expected);
                whole.then(|| self.push(seq, arrived, awaited)).flatten()
            }
        };
        self.judge(seq, arrived, usual);
    }

    fn stalled(&mut self, from: Timestamp, to: Timestamp) {
        if let Some(arrived) = self.latest.arrived() {
            self.stalls.add(from, to, arrived);
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        let lost = Duration::from_nanos(self.stalls.lost());
        self.deadline.map(|deadline| deadline + lost)
    }

    fn suspicion(&self, now: Timestamp) -> f64 {
        let (Some(arrived), Some(deadline)) = (self.latest.arrived(), self.deadline) else {
            return 0.0;
        };
        let silence = now.as_nanos().saturating_sub(arrived.as_nanos());
        let listened = silence.saturating_sub(self.stalls.lost());
        float(listened) / float(nanos(deadline.since(arrived)).max(1))
    }

    /// Where it does not, as in the beginning, mistakes may recur more often than was asked for.
    fn keeps_request(&self) -> Option<bool> {
        Some(self.wanted.is_some() && self.wanted <= self.deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(100);

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// One that has heard `heartbeats` on time, the last of them at `100 × heartbeats` ms.
    fn steady(heartbeats: u64, recurrence: Duration) -> Cantelli {
        let request = Request {
            detection_time: Duration::from_secs(10),
            mistake_recurrence: recurrence,
        };
        let mut detector = Cantelli::new(INTERVAL, request);
        for seq in 1..=heartbeats {
            detector.heartbeat(seq, None, at(100 * seq));
        }
        detector
    }

    fn patience(detector: &Cantelli, from: Timestamp) -> u64 {
        u64::try_from(detector.deadline().unwrap().since(from).as_millis()).unwrap()
    }

    #[test]
    fn it_grows_less_patient_with_what_it_has_seen() {
        let hour = Duration::from_secs(3_600);
        let after = |heartbeats| patience(&steady(heartbeats, hour), at(100 * heartbeats));
        // Of n overruns one is assumed to be 100 ms: the mean is 100 / n and σ is 100 · √(n − 1) / n, times √35,999.
        assert_eq!(after(1), 10_000);
        assert_eq!(after(10), 5_802);
        assert_eq!(after(101), 1_979);
        assert_eq!(after(1_001), 699);
        assert_eq!(after(3_000), 699);
    }

    #[test]
    fn it_is_as_patient_as_mistakes_are_to_be_rare() {
        let after = |secs| patience(&steady(1_500, Duration::from_secs(secs)), at(150_000));
        assert_eq!([60, 3_600, 86_400].map(after), [177, 699, 3_036]);
    }

    #[test]
    fn what_is_rare_is_remembered_and_what_is_new_is_seen_at_once() {
        let mut detector = steady(1_500, Duration::from_secs(60));
        assert_eq!(patience(&detector, at(150_000)), 177);
        // A burst of four losses: both windows know of it.
        detector.heartbeat(1_505, None, at(150_500));
        let short = patience(&detector, at(150_500));
        for seq in 1_506..1_600 {
            detector.heartbeat(seq, None, at(100 * seq));
        }
        let long = patience(&detector, at(159_900));
        assert!(
            short > 2_000 && (400..500).contains(&long),
            "{short} {long}"
        );
        assert_eq!(detector.keeps_request(), Some(true));
    }

    #[test]
    fn what_waited_for_the_observer_says_nothing() {
        let mut detector = steady(1_500, Duration::from_secs(60));
        let before = patience(&detector, at(150_000));
        // It stood still from 150,050 to 152,050, and then read what had come.
        detector.stalled(at(150_050), at(152_050));
        assert!(!detector.suspects(at(152_050)));
        for seq in 1_501..=1_520 {
            detector.heartbeat(seq, None, at(152_050));
            assert!(!detector.suspects(at(152_051)));
        }
        for seq in 1_521..1_530 {
            detector.heartbeat(seq, None, at(100 * seq));
            assert_eq!(patience(&detector, at(100 * seq)), before);
        }
        // Without having been told of it, it takes the stall for the path's.
        let mut unaware = steady(1_500, Duration::from_secs(60));
        for seq in 1_501..=1_520 {
            unaware.heartbeat(seq, None, at(152_050));
        }
        unaware.heartbeat(1_521, None, at(152_100));
        assert!(patience(&unaware, at(152_100)) > 3 * before);
    }

    #[test]
    fn a_stall_that_ends_in_the_future_is_over_with_the_next_heartbeat() {
        let mut detector = steady(1_500, Duration::from_secs(60));
        let before = patience(&detector, at(150_000));
        detector.stalled(at(150_050), at(900_000_000));
        // What came in the stall says nothing, what comes after it does again.
        detector.heartbeat(1_501, None, at(150_100));
        for seq in 1_502..1_600 {
            detector.heartbeat(seq, None, at(100 * seq + 20));
        }
        let patience = patience(&detector, at(159_920));
        assert!(patience > before && patience < 2 * before, "{patience}");
    }

    #[test]
    fn what_cannot_be_kept_is_said() {
        let request = Request {
            detection_time: Duration::from_millis(300),
            mistake_recurrence: Duration::from_secs(3_600),
        };
        let mut detector = Cantelli::new(INTERVAL, request);
        assert_eq!(detector.keeps_request(), Some(false));
        for seq in 1..=1_500 {
            detector.heartbeat(seq, None, at(100 * seq));
        }
        assert_eq!(patience(&detector, at(150_000)), 300);
        assert_eq!(detector.keeps_request(), Some(false));
    }
}
