//! When traffic has left those whom a lasting fault is done to: pure.
//!
//! An ejection is one way to it. A balancer that asks the others instead is another, and as good for
//! clients: so it is counted what the fault still hits.

use std::time::Duration;

use ninefold_core::time::Timestamp;

/// So long nothing worth speaking of is hit. A hit is counted when its request ends: this is longer
/// than a fault delays one.
const WINDOW: Duration = Duration::from_secs(2);
/// And so many requests pass meanwhile, of which one in `SHARE` may be hit.
const REQUESTS_MIN: u64 = 20;
const SHARE: u64 = 100;

/// Requests so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed {
    pub(super) at: Timestamp,
    pub(super) requests: u64,
    /// Of them: hit by the fault.
    pub(super) struck: u64,
}

/// Watches the hits.
#[derive(Debug)]
pub(super) struct Quiet {
    since: Passed,
}

impl Quiet {
    pub(super) const fn new(since: Passed) -> Self {
        Self { since }
    }

    /// When the quiet began, once it has lasted.
    pub(super) fn look(&mut self, now: Passed) -> Option<Timestamp> {
        let requests = now.requests.saturating_sub(self.since.requests);
        let struck = now.struck.saturating_sub(self.since.struck);
        if struck.saturating_mul(SHARE) > requests {
            self.since = now;
            return None;
        }
        let lasted = now.at.since(self.since.at) >= WINDOW && requests >= REQUESTS_MIN;
        lasted.then_some(self.since.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(ms: u64, requests: u64, struck: u64) -> Passed {
        Passed {
            at: Timestamp::ZERO + Duration::from_millis(ms),
            requests,
            struck,
        }
    }

    #[test]
    fn quiet_begins_behind_the_last_hit_and_has_to_last() {
        let mut quiet = Quiet::new(passed(0, 0, 0));
        assert_eq!(quiet.look(passed(500, 50, 10)), None);
        assert_eq!(quiet.look(passed(600, 60, 10)), None);
        assert_eq!(quiet.look(passed(900, 90, 11)), None);
        assert_eq!(quiet.look(passed(2_800, 280, 11)), None);
        let began = Some(passed(900, 0, 0).at);
        assert_eq!(quiet.look(passed(2_900, 290, 11)), began);
    }

    #[test]
    fn one_in_a_hundred_is_quiet_and_one_in_fifty_is_not() {
        let mut quiet = Quiet::new(passed(0, 0, 0));
        assert!(quiet.look(passed(2_000, 200, 2)).is_some());
        assert_eq!(quiet.look(passed(2_000, 200, 4)), None);
    }

    #[test]
    fn silence_is_not_quiet() {
        let mut quiet = Quiet::new(passed(0, 0, 0));
        assert_eq!(quiet.look(passed(5_000, 19, 0)), None);
        assert!(quiet.look(passed(5_100, 20, 0)).is_some());
    }
}
