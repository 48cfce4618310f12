use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::id::InstanceId;
use crate::taxonomy::FailureClass;
use crate::time::Timestamp;

/// How long a bad event waits for the classifier; what is not known by then is `unknown`.
const HOLD: Duration = Duration::from_secs(2);

/// Groups of bad events that wait at most; the oldest are `unknown` beyond.
const WAITING_MAX: usize = 1_024;

/// Where a bad event comes from, as far as its request knew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suspect {
    /// An attempt at this instance failed.
    Instance(InstanceId),
    /// No attempt was made: no endpoint of this service was up.
    Service(Arc<str>),
}

/// Divides the bad events of one objective among the failure classes: each counts to exactly one,
/// 2 s after it happened, by what is known then. Callers notice before the classifier can.
#[derive(Clone, Debug, Default)]
pub struct BadEvents {
    waiting: VecDeque<(Timestamp, Suspect, u64)>,
    counts: BTreeMap<FailureClass, u64>,
}

impl BadEvents {
    /// Events that wait for their class.
    pub fn suspect(&mut self, at: Timestamp, suspect: Suspect, events: u64) {
        if events == 0 {
            return;
        }
        self.waiting.push_back((at, suspect, events));
        if self.waiting.len() > WAITING_MAX
            && let Some((_, _, events)) = self.waiting.pop_front()
        {
            self.count(FailureClass::Unknown, events);
        }
    }

    /// Counts events of a class.
    pub fn count(&mut self, class: FailureClass, events: u64) {
        if events > 0 {
            let count = self.counts.entry(class).or_default();
            *count = count.saturating_add(events);
        }
    }

    /// Classes what has waited long enough, as `class_of` says; nothing means unknown.
    pub fn settle(&mut self, now: Timestamp, class_of: impl Fn(&Suspect) -> Option<FailureClass>) {
        let due = |(at, ..): &(Timestamp, Suspect, u64)| now.since(*at) >= HOLD;
        while self.waiting.front().is_some_and(due)
            && let Some((_, suspect, events)) = self.waiting.pop_front()
        {
            let class = class_of(&suspect).unwrap_or(FailureClass::Unknown);
            self.count(class, events);
        }
    }

    /// The counts by class, without what waits.
    #[must_use]
    pub const fn counts(&self) -> &BTreeMap<FailureClass, u64> {
        &self.counts
    }
}

/// Shares failed requests out to the instances whose attempts failed: `hurt` counts a request once
/// an instance, so a request that failed at two of them is in it twice and still only one event.
/// What is left met nobody of the service.
#[must_use]
pub fn share_out(
    failed: u64,
    hurt: &[(InstanceId, u64)],
    service: &Arc<str>,
) -> Vec<(Suspect, u64)> {
    let mut left = failed;
    let mut shares = Vec::new();
    for (instance, events) in hurt {
        let share = left.min(*events);
        left -= share;
        if share > 0 {
            shares.push((Suspect::Instance(instance.clone()), share));
        }
    }
    if left > 0 {
        shares.push((Suspect::Service(Arc::clone(service)), left));
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn web(ordinal: u32) -> InstanceId {
        InstanceId::new("web", ordinal)
    }

    fn sum(bad: &BadEvents) -> u64 {
        bad.counts().values().sum()
    }

    #[test]
    fn every_failed_request_is_shared_out_once() {
        let service: Arc<str> = "web".into();
        let hurt = [(web(0), 3), (web(1), 3)];
        assert_eq!(
            share_out(4, &hurt, &service),
            [
                (Suspect::Instance(web(0)), 3),
                (Suspect::Instance(web(1)), 1)
            ]
        );
        assert_eq!(
            share_out(7, &hurt, &service).last(),
            Some(&(Suspect::Service(service.clone()), 1))
        );
        assert_eq!(share_out(0, &hurt, &service), []);
    }

    #[test]
    fn what_is_not_classed_in_time_is_unknown() {
        let mut bad = BadEvents::default();
        bad.suspect(at(0), Suspect::Instance(web(0)), 5);
        bad.suspect(at(100), Suspect::Instance(web(1)), 2);
        let known = |suspect: &Suspect| {
            (*suspect == Suspect::Instance(web(0))).then_some(FailureClass::CrashStop)
        };
        bad.settle(at(1_999), known);
        assert_eq!(sum(&bad), 0);
        bad.settle(at(2_000), known);
        assert_eq!(bad.counts()[&FailureClass::CrashStop], 5);
        bad.settle(at(3_000), known);
        assert_eq!(bad.counts()[&FailureClass::Unknown], 2);
    }

    #[test]
    fn too_many_that_wait_are_counted_all_the_same() {
        let mut bad = BadEvents::default();
        for n in 0..3_000 {
            bad.suspect(at(n / 10), Suspect::Instance(web(0)), 1);
        }
        assert_eq!(sum(&bad), 3_000 - 1_024);
        bad.settle(at(10_000), |_| Some(FailureClass::Gray));
        assert_eq!(sum(&bad), 3_000);
    }
}
