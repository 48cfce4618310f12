//! Endpoint choice by asking: which endpoints have how much to do, as they say themselves.
//!
//! What one gateway sees of an endpoint is its own share of that one's load. Prequal (Wydrowski,
//! Kleinberg, Rumble, Archer: "Load is not what you should balance", NSDI 2024) asks a few endpoints
//! beside every request how many requests they have in flight and how long such a load takes, and
//! chooses among the latest answers by the *hot-cold lexicographic* rule: an endpoint with more in
//! flight than most is hot; of those that are cold, the quickest one; if all are hot, the one that
//! has the least in flight.
//!
//! A report is used a few times only, and gone after a second: each use counts as one more in flight.
//! With every request the worst and the oldest are dropped in turn, so that the pool does not fill
//! with those that nobody wants.

use std::time::Duration;

use super::LoadReport;
use crate::rng::Rng;
use crate::time::{Timestamp, nanos};

/// Reports kept at most.
const POOL_MAX: usize = 16;

/// With fewer than so many of them there is no choice to speak of.
const POOL_MIN: usize = 2;

/// A report says nothing any more after so long.
const STALE_AFTER: Duration = Duration::from_secs(1);

/// Numbers in flight that are remembered, to know what is much.
const SEEN_MAX: usize = 64;

/// Which part of them is not much: 2^-0.25, as in the paper.
const COLD_SHARE: f64 = 0.84;

/// Probes beside each request.
const PROBES: usize = 3;

/// Reports dropped with each request.
const DROPPED: f64 = 1.0;

/// How much sooner than needed reports are used up: the paper's delta.
const SLACK: f64 = 1.0;

/// Uses of one report at most, where there are so few endpoints that the pool holds most of them.
const USES_MAX: u32 = 8;

#[derive(Clone, Debug)]
struct Entry<K> {
    who: K,
    in_flight: u32,
    latency_ns: u64,
    at: Timestamp,
    uses: u32,
}

/// The reports that a chooser has. `K` says whose a report is.
#[derive(Clone, Debug)]
pub struct Prequal<K> {
    /// The oldest first.
    pool: Vec<Entry<K>>,
    /// What was in flight in the last reports, as a ring.
    seen: Vec<u32>,
    next_seen: usize,
    drops_oldest: bool,
}

impl<K> Default for Prequal<K> {
    fn default() -> Self {
        Self {
            pool: Vec::new(),
            seen: Vec::new(),
            next_seen: 0,
            drops_oldest: false,
        }
    }
}

impl<K: Clone + PartialEq> Prequal<K> {
    /// Whom to ask beside a request: up to three different ones of `count`.
    pub fn probes(rng: &mut Rng, count: usize) -> impl Iterator<Item = usize> {
        let wanted = PROBES.min(count);
        let mut drawn = [usize::MAX; PROBES];
        for at in 0..wanted {
            // Floyd's way to draw different ones.
            let last = count - wanted + at;
            let bound = u64::try_from(last + 1).unwrap_or(u64::MAX);
            let one = usize::try_from(rng.below(bound)).unwrap_or(last);
            let one = if drawn.contains(&one) { last } else { one };
            if let Some(place) = drawn.get_mut(at) {
                *place = one;
            }
        }
        drawn.into_iter().take(wanted)
    }

    /// What `who` said. It takes the place of what that one said before.
    pub fn report(&mut self, who: K, report: LoadReport, now: Timestamp) {
        if self.seen.len() < SEEN_MAX {
            self.seen.push(report.in_flight);
        } else if let Some(seen) = self.seen.get_mut(self.next_seen) {
            *seen = report.in_flight;
        }
        self.next_seen = (self.next_seen + 1) % SEEN_MAX;
        self.pool.retain(|entry| entry.who != who);
        if self.pool.len() >= POOL_MAX {
            self.pool.remove(0);
        }
        self.pool.push(Entry {
            who,
            in_flight: report.in_flight,
            latency_ns: nanos(report.latency),
            at: now,
            uses: 0,
        });
    }

    /// The one to take of those that `may` be taken, among `count` endpoints in all. `None` if too few
    /// reports are there.
    pub fn choose(&mut self, count: usize, now: Timestamp, may: impl Fn(&K) -> bool) -> Option<K> {
        let uses_max = uses_max(count);
        self.pool
            .retain(|entry| now.since(entry.at) < STALE_AFTER && entry.uses < uses_max);
        let hot = self.hot();
        let rank = |entry: &Entry<K>| {
            if entry.in_flight > hot {
                (true, u64::from(entry.in_flight), entry.latency_ns)
            } else {
                (false, entry.latency_ns, u64::from(entry.in_flight))
            }
        };
        let open = || {
            self.pool
                .iter()
                .enumerate()
                .filter(|(_, one)| may(&one.who))
        };
        if open().count() < POOL_MIN.min(count) {
            return None;
        }
        let (best, _) = open().min_by_key(|(_, entry)| rank(entry))?;
        let worst = self
            .pool
            .iter()
            .enumerate()
            .max_by_key(|(_, one)| rank(one));
        let worst = worst.map(|(worst, _)| worst);
        let entry = self.pool.get_mut(best)?;
        entry.uses += 1;
        entry.in_flight = entry.in_flight.saturating_add(1);
        let who = entry.who.clone();
        self.drop_one(worst, count);
        Some(who)
    }

    /// Keeps as many as there are endpoints to choose from, or the pool would be empty more often than
    /// not where they are few.
    fn drop_one(&mut self, worst: Option<usize>, count: usize) {
        if self.pool.len() <= POOL_MIN.max(count.min(POOL_MAX) / 2) {
            return;
        }
        self.drops_oldest = !self.drops_oldest;
        let gone = if self.drops_oldest { Some(0) } else { worst };
        if let Some(gone) = gone.filter(|gone| *gone < self.pool.len()) {
            self.pool.remove(gone);
        }
    }

    /// As many in flight as most have.
    fn hot(&self) -> u32 {
        let mut seen = [0; SEEN_MAX];
        let Some(seen) = seen.get_mut(..self.seen.len()).filter(|s| !s.is_empty()) else {
            return u32::MAX;
        };
        seen.copy_from_slice(&self.seen);
        let last = seen.len() - 1;
        let nth = quantile(last);
        *seen.select_nth_unstable(nth.min(last)).1
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index below 64"
)]
fn quantile(last: usize) -> usize {
    (last as f64 * COLD_SHARE).floor() as usize
}

/// How often a report is used (section 4 of the paper): as often as needed so that the pool does not
/// run dry.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers above zero"
)]
fn uses_max(count: usize) -> u32 {
    let fresh = 1.0 - POOL_MAX as f64 / count.max(1) as f64;
    let gained = fresh.mul_add(PROBES as f64, -DROPPED);
    if gained <= 0.0 {
        return USES_MAX;
    }
    let uses = ((1.0 + SLACK) / gained).max(1.0).ceil();
    (uses as u32).min(USES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn report(in_flight: u32, ms: u64) -> LoadReport {
        LoadReport {
            in_flight,
            latency: Duration::from_millis(ms),
        }
    }

    fn pool(reports: &[(usize, u32, u64)]) -> Prequal<usize> {
        let mut prequal = Prequal::default();
        for (who, in_flight, ms) in reports {
            prequal.report(*who, report(*in_flight, *ms), at(0));
        }
        prequal
    }

    #[test]
    fn takes_the_quickest_of_those_that_are_not_hot() {
        // The last one has far more to do than the others, quick as it is.
        let reports = [
            (0, 3, 20),
            (1, 2, 15),
            (2, 4, 30),
            (3, 3, 25),
            (4, 5, 40),
            (5, 40, 1),
        ];
        assert_eq!(pool(&reports).choose(6, at(1), |_| true), Some(1));
        assert_eq!(pool(&reports).choose(6, at(1), |who| *who != 1), Some(0));
    }

    #[test]
    fn where_all_are_hot_takes_who_has_the_least_to_do() {
        let mut prequal = pool(&[(0, 1, 1), (1, 1, 1), (2, 1, 1), (3, 1, 1)]);
        for _ in 0..16 {
            prequal.report(0, report(1, 1), at(0));
        }
        prequal.report(1, report(9, 5), at(0));
        prequal.report(2, report(8, 9), at(0));
        assert_eq!(
            prequal.choose(4, at(1), |who| [1, 2].contains(who)),
            Some(2)
        );
    }

    #[test]
    fn a_use_counts_as_one_more_in_flight_and_reports_are_used_up() {
        let mut prequal = pool(&[(0, 0, 10), (1, 0, 11), (2, 0, 12)]);
        let mut taken = [0; 3];
        while let Some(who) = prequal.choose(3, at(1), |_| true) {
            taken[who] += 1;
            assert!(taken[who] <= USES_MAX, "{taken:?}");
        }
        assert!(taken.iter().sum::<u32>() >= USES_MAX, "{taken:?}");
    }

    #[test]
    fn old_reports_say_nothing() {
        let mut prequal = pool(&[(0, 1, 1), (1, 1, 1)]);
        assert!(prequal.clone().choose(2, at(999), |_| true).is_some());
        assert_eq!(prequal.choose(2, at(1_000), |_| true), None);
    }

    #[test]
    fn one_report_is_no_choice_but_where_there_is_one_endpoint() {
        assert_eq!(pool(&[(0, 1, 1)]).choose(3, at(1), |_| true), None);
        assert_eq!(pool(&[(0, 1, 1)]).choose(1, at(1), |_| true), Some(0));
        assert_eq!(pool(&[]).choose(0, at(1), |_| true), None);
    }

    #[test]
    fn the_pool_is_bounded() {
        let mut prequal = Prequal::default();
        for who in 0..1_000 {
            prequal.report(who, report(1, 1), at(0));
            assert!(prequal.pool.len() <= POOL_MAX && prequal.seen.len() <= SEEN_MAX);
        }
    }

    #[test]
    fn asks_different_ones() {
        let mut rng = Rng::new(1);
        for count in [0, 1, 2, 3, 10] {
            for _ in 0..100 {
                let mut asked: Vec<_> = Prequal::<usize>::probes(&mut rng, count).collect();
                asked.sort_unstable();
                asked.dedup();
                assert_eq!(asked.len(), count.min(PROBES));
                assert!(asked.iter().all(|one| *one < count));
            }
        }
    }

    #[test]
    fn a_report_is_used_as_often_as_the_paper_says() {
        // 100 endpoints: 2 / ((1 - 0.16) * 3 - 1).
        assert_eq!(uses_max(100), 2);
        assert_eq!(uses_max(1_000), 2);
        assert_eq!(uses_max(16), USES_MAX);
    }
}
