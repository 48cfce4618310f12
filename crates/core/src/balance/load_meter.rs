//! How much a server has to do, as it knows itself.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::LoadReport;
use crate::time::nanos;

/// Answers that are remembered.
const SAMPLES_MAX: usize = 128;

/// Of those, so many are looked at: the ones that found the most similar load.
const NEAREST: usize = 16;

/// Counts the requests of a server, and says how long such a load takes: the median of the last
/// answers whose requests found about as many others in flight (Prequal, section 4).
///
/// ```
/// use ninefold_core::balance::LoadMeter;
/// use std::time::Duration;
///
/// let meter = LoadMeter::default();
/// let found = meter.enter();
/// assert_eq!(meter.report().in_flight, 1);
/// meter.leave(found, Some(Duration::from_millis(20)));
/// assert_eq!(meter.report().latency, Duration::from_millis(20));
/// ```
#[derive(Debug, Default)]
pub struct LoadMeter {
    in_flight: AtomicU32,
    samples: Mutex<Samples>,
}

/// What requests found in flight, and how long they took, as a ring.
#[derive(Debug, Default)]
struct Samples {
    ring: Vec<(u32, u64)>,
    next: usize,
}

impl LoadMeter {
    /// A request begins. How many are in flight with it; to be given back.
    pub fn enter(&self) -> u32 {
        self.in_flight.fetch_add(1, Relaxed).saturating_add(1)
    }

    /// It ended, and `took` so long if it was answered.
    pub fn leave(&self, found: u32, took: Option<Duration>) {
        self.in_flight.fetch_sub(1, Relaxed);
        let Some(took) = took else { return };
        // Nothing in there can panic half way.
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let sample = (found, nanos(took));
        let next = samples.next;
        match samples.ring.get_mut(next) {
            Some(place) => *place = sample,
            None => samples.ring.push(sample),
        }
        samples.next = (next + 1) % SAMPLES_MAX;
    }

    /// What to tell who asks.
    #[must_use]
    pub fn report(&self) -> LoadReport {
        let in_flight = self.in_flight.load(Relaxed);
        let mut all = {
            let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
            samples.ring.clone()
        };
        all.sort_by_key(|(found, _)| found.abs_diff(in_flight));
        all.truncate(NEAREST);
        all.sort_unstable_by_key(|(_, took)| *took);
        let median = all.get(all.len() / 2).map_or(0, |(_, took)| *took);
        LoadReport {
            in_flight,
            latency: Duration::from_nanos(median),
        }
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    #[test]
    fn says_how_long_such_a_load_takes() {
        let meter = LoadMeter::default();
        for _ in 0..40 {
            meter.leave(meter.enter(), Some(Duration::from_millis(5)));
        }
        let found: Vec<u32> = (0..30).map(|_| meter.enter()).collect();
        for one in found.iter().skip(10) {
            meter.leave(*one, Some(Duration::from_millis(u64::from(*one) * 10)));
        }
        // Ten in flight: those that found 11 to 26 took 110 to 260 ms.
        let report = meter.report();
        assert_eq!(report.in_flight, 10);
        assert!(
            (50..=150).contains(&report.latency.as_millis()),
            "{report:?}"
        );
        for one in found.iter().take(10) {
            meter.leave(*one, None);
        }
        assert_eq!(meter.report().latency, Duration::from_millis(5));
    }

    #[test]
    fn remembers_no_more_than_the_last_answers() {
        let meter = LoadMeter::default();
        for _ in 0..1_000 {
            meter.leave(meter.enter(), Some(Duration::from_secs(1)));
        }
        for _ in 0..SAMPLES_MAX {
            meter.leave(meter.enter(), Some(Duration::from_millis(1)));
        }
        assert_eq!(meter.samples.lock().unwrap().ring.len(), SAMPLES_MAX);
        assert_eq!(meter.report().latency, Duration::from_millis(1));
    }
}
