//! How soon an instance may be hit again.

use std::time::{Duration, Instant};

use ninefold_core::id::InstanceId;

/// Hits that are remembered; older ones are forgotten first.
const HITS_MAX: usize = 4_096;
/// A node that lived for a minute is started again after a second, and else later each time. A cluster convicts two
/// in a minute. The rest is for its way back.
const NODE_WINDOW: Duration = Duration::from_secs(65);
const NODES_IN_WINDOW: usize = 2;

/// Who was hit when, over all claims of a run.
///
/// Every hit makes the healer restart its target. More restarts than the service's budget within its
/// window would look like a crash loop, and the trial would measure the pace of `verify` instead of
/// the system.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    hits: Vec<(InstanceId, Instant)>,
    nodes: Vec<(String, Instant)>,
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

    /// How long to wait at `now` until nodes may be hit and are treated as those that fail for the first time.
    pub(super) fn wait_nodes(&self, chosen: &[String], now: Instant) -> Duration {
        if chosen.is_empty() {
            return Duration::ZERO;
        }
        let left = |at: Instant| NODE_WINDOW.saturating_sub(now.saturating_duration_since(at));
        let own = self.nodes.iter().filter(|(hit, _)| chosen.contains(hit));
        let own = own.map(|(_, at)| left(*at)).max();
        // Oldest first: those that must leave the window before there is room.
        let room = NODES_IN_WINDOW.saturating_sub(chosen.len());
        let recent: Vec<Duration> = self.nodes.iter().map(|(_, at)| left(*at)).collect();
        let surplus = recent.len().checked_sub(room.saturating_add(1));
        let all = surplus.and_then(|surplus| recent.get(surplus)).copied();
        own.max(all).unwrap_or(Duration::ZERO)
    }

    /// Remembers hits of nodes at `now`.
    pub(super) fn hit_nodes(&mut self, nodes: &[String], now: Instant) {
        self.nodes
            .extend(nodes.iter().map(|node| (node.clone(), now)));
        let surplus = self.nodes.len().saturating_sub(HITS_MAX);
        self.nodes.drain(..surplus);
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
    fn nodes_are_hit_as_rarely_as_a_cluster_convicts() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let at = |secs| start + Duration::from_secs(secs);
        let [one, two, three] = ["n1", "n2", "n3"].map(|name| vec![name.to_owned()]);
        assert_eq!(pace.wait_nodes(&one, start), Duration::ZERO);
        pace.hit_nodes(&one, start);
        assert_eq!(pace.wait_nodes(&one, at(20)), Duration::from_secs(45));
        assert_eq!(pace.wait_nodes(&two, at(20)), Duration::ZERO);
        pace.hit_nodes(&two, at(20));
        assert_eq!(pace.wait_nodes(&three, at(40)), Duration::from_secs(25));
        assert_eq!(pace.wait_nodes(&three, at(65)), Duration::ZERO);
        pace.hit_nodes(&three, at(65));
        assert_eq!(pace.wait_nodes(&one, at(70)), Duration::from_secs(15));
        let both = [two, three].concat();
        assert_eq!(pace.wait_nodes(&both, at(70)), Duration::from_secs(60));
        assert_eq!(pace.wait_nodes(&[], at(70)), Duration::ZERO);
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
