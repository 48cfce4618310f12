//! How soon an instance may be hit again.

use std::time::{Duration, Instant};

use ninefold_core::id::InstanceId;

/// Hits that are remembered; older ones are forgotten first.
const HITS_MAX: usize = 4_096;

/// Who was hit when, over all claims of a run.
///
/// Every hit makes the healer restart its target. More restarts than the service's budget within its
/// window would look like a crash loop, and the trial would measure the pace of `verify` instead of
/// the system.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    hits: Vec<(InstanceId, Instant)>,
}

impl Pace {
    /// How long to wait at `now` until one more restart of `instance` leaves one of its `budget`
    /// within the window unused.
    pub(super) fn wait(
        &self,
        instance: &InstanceId,
        (budget, window): (u32, Duration),
        now: Instant,
    ) -> Duration {
        let age = |at: Instant| now.saturating_duration_since(at);
        let recent: Vec<Duration> = self
            .hits
            .iter()
            .filter(|(hit, at)| hit == instance && age(*at) < window)
            .map(|(_, at)| age(*at))
            .collect();
        // Oldest first: the one that must leave the window before there is room.
        let allowed = usize::try_from(budget.saturating_sub(2)).unwrap_or(usize::MAX);
        let surplus = recent.len().checked_sub(allowed.saturating_add(1));
        surplus
            .and_then(|surplus| recent.get(surplus))
            .map_or(Duration::ZERO, |age| window.saturating_sub(*age))
    }

    /// Remembers hits at `now`.
    pub(super) fn hit(&mut self, instances: &[InstanceId], now: Instant) {
        let hits = instances.iter().map(|instance| (instance.clone(), now));
        self.hits.extend(hits);
        let surplus = self.hits.len().saturating_sub(HITS_MAX);
        self.hits.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_restart_of_the_budget_is_always_left() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let (one, other) = (InstanceId::new("web", 1), InstanceId::new("web", 2));
        let rule = (5, Duration::from_secs(60));
        let at = |secs| start + Duration::from_secs(secs);
        for secs in 0..4 {
            assert_eq!(pace.wait(&one, rule, at(secs * 10)), Duration::ZERO);
            pace.hit(std::slice::from_ref(&one), at(secs * 10));
        }
        assert_eq!(pace.wait(&one, rule, at(40)), Duration::from_secs(20));
        assert_eq!(pace.wait(&other, rule, at(40)), Duration::ZERO);
        assert_eq!(pace.wait(&one, rule, at(60)), Duration::ZERO);
        pace.hit(std::slice::from_ref(&one), at(60));
        assert_eq!(pace.wait(&one, rule, at(61)), Duration::from_secs(9));
    }

    #[test]
    fn a_budget_of_one_waits_for_the_whole_window() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let one = InstanceId::new("web", 1);
        let rule = (1, Duration::from_secs(60));
        assert_eq!(pace.wait(&one, rule, start), Duration::ZERO);
        pace.hit(std::slice::from_ref(&one), start);
        assert_eq!(pace.wait(&one, rule, start), Duration::from_secs(60));
    }
}
