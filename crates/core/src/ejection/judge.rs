//! Endpoints beside their peers: who is certainly slower, and who certainly fails more often.
//!
//! Every [`Judge::EVERY`] the counts of all endpoints of a service are looked at, over the last
//! second, two, five and ten: the short spans see what has just begun, the long ones have samples
//! where traffic is thin. Shares are taken at the lower bound of Wilson's score interval, so a few
//! odd answers convict nobody, and what is seen once must be seen again at the next look.
//!
//! The yardstick is the pool's own median, the lower one of two. With three endpoints of which two
//! slow down, the median is slow too and nobody is convicted: what most of them share is not the
//! fault of one.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::{EjectionRules, LatencyRules, SuccessRules, Tally};
use crate::time::{nanos, short};
use crate::wilson;

/// Standard deviations of doubt: 98 % one-sided, and that twice in a row.
const Z: f64 = 2.0;

/// Differences below this are noise of schedulers and networks, whatever the factor.
const NOISE: Duration = Duration::from_millis(5);

/// Failures count against an endpoint only above so many times the pool's share.
const FAILURE_FACTOR: f64 = 2.0;

/// Looks that are kept: ten seconds.
const LOOKS_MAX: usize = 20;

/// The spans that are judged, in looks.
const SPANS: [usize; 4] = [2, 4, 10, LOOKS_MAX];

/// Looks in a row that must agree.
const AGREE: u32 = 2;

/// One endpoint at one look.
#[derive(Debug)]
pub struct Look<K> {
    /// Which process of which instance; a new one begins anew.
    pub key: K,
    /// Everything counted so far.
    pub tally: Tally,
    /// Whether it is in rotation: neither ejected, nor a canary, nor not ready.
    pub in_rotation: bool,
}

/// Why peers convict an endpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Conviction {
    /// It is slower than they are.
    Slow {
        /// Its median.
        median: Duration,
        /// The pool's.
        pool: Duration,
        /// Its answers within the span.
        answers: u64,
    },
    /// It fails more often than they do.
    Failing {
        /// Its failures within the span.
        failures: u64,
        /// Its attempts.
        attempts: u64,
        /// The pool's share of failures, 0 to 1.
        pool: f64,
    },
}

impl fmt::Display for Conviction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Slow {
                median,
                pool,
                answers,
            } => write!(
                f,
                "slow beside its peers: {} against {} (medians, {answers} answers)",
                short(nanos(median)),
                short(nanos(pool))
            ),
            Self::Failing {
                failures,
                attempts,
                pool,
            } => write!(
                f,
                "fails beside its peers: {failures} of {attempts} attempts, the pool {:.0} %",
                pool * 100.0
            ),
        }
    }
}

/// What one look came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The convicted, by their position in the look.
    pub convicted: Vec<(usize, Conviction)>,
    /// A canary's answer that takes longer than this is slow: longer than the peers' limit, and
    /// than all but a twentieth of their own. Nothing while nobody can tell.
    pub slow_above: Option<Duration>,
}

/// Compares the endpoints of one service.
#[derive(Debug)]
pub struct Judge<K> {
    records: Vec<Record<K>>,
}

#[derive(Debug)]
struct Record<K> {
    key: K,
    total: Tally,
    looks: VecDeque<Tally>,
    suspected: u32,
}

impl<K> Record<K> {
    /// What came within the last `looks`.
    fn within(&self, looks: usize) -> Tally {
        let mut sum = Tally::default();
        for tally in self.looks.iter().rev().take(looks) {
            sum.add(tally);
        }
        sum
    }
}

impl<K> Default for Judge<K> {
    fn default() -> Self {
        Self {
            records: Vec::new(),
        }
    }
}

impl<K: PartialEq> Judge<K> {
    /// How often to look.
    pub const EVERY: Duration = Duration::from_millis(500);

    /// Looks at all endpoints of the service; an endpoint that is not there is forgotten.
    pub fn look(&mut self, looks: Vec<Look<K>>, rules: &EjectionRules) -> Judgement {
        let in_rotation: Vec<bool> = looks.iter().map(|look| look.in_rotation).collect();
        self.note(looks);
        let mut slow_above = None;
        let mut found: Vec<Option<Conviction>> = in_rotation.iter().map(|_| None).collect();
        for span in SPANS {
            let tallies: Vec<Option<Tally>> = self
                .records
                .iter()
                .zip(&in_rotation)
                .map(|(record, within)| within.then(|| record.within(span)))
                .collect();
            if let Some(latency) = &rules.latency {
                let limit = slow(&tallies, latency, &mut found);
                slow_above = limit.or(slow_above);
            }
            if let Some(success) = &rules.success {
                failing(&tallies, success, &mut found);
            }
        }
        let mut convicted = Vec::new();
        for (index, (record, found)) in self.records.iter_mut().zip(found).enumerate() {
            record.suspected = found.map_or(0, |_| record.suspected + 1);
            if let Some(conviction) = found.filter(|_| record.suspected >= AGREE) {
                convicted.push((index, conviction));
            }
        }
        Judgement {
            convicted,
            slow_above,
        }
    }

    /// Takes the counts over, in the order of the look.
    fn note(&mut self, looks: Vec<Look<K>>) {
        let mut before = std::mem::take(&mut self.records);
        for look in looks {
            let known = before.iter().position(|record| record.key == look.key);
            let mut record = match known {
                Some(index) => before.swap_remove(index),
                None => Record {
                    key: look.key,
                    total: look.tally.clone(),
                    looks: VecDeque::with_capacity(LOOKS_MAX),
                    suspected: 0,
                },
            };
            if look.in_rotation {
                if record.looks.len() >= LOOKS_MAX {
                    record.looks.pop_front();
                }
                record.looks.push_back(look.tally.since(&record.total));
            } else {
                // What convicted it, or what canaries met, must not convict it again.
                record.looks.clear();
            }
            record.total = look.tally;
            self.records.push(record);
        }
    }
}

/// Finds who is slow. Returns what is slow for a canary, where that can be told.
fn slow(
    tallies: &[Option<Tally>],
    rules: &LatencyRules,
    found: &mut [Option<Conviction>],
) -> Option<Duration> {
    let enough = |tally: &Tally| tally.answered() >= u64::from(rules.samples.max(1));
    let medians = tallies.iter().flatten().filter(|tally| enough(tally));
    let mut medians: Vec<Duration> = medians.filter_map(Tally::median).collect();
    medians.sort_unstable();
    let pool = *medians.get(medians.len().checked_sub(1)? / 2)?;
    let limit = pool.mul_f64(rules.factor.max(1.0)).max(pool + NOISE);
    let mut all = Tally::default();
    for tally in tallies.iter().flatten() {
        all.add(tally);
    }
    let slow_above = all.below(19, 20).map_or(limit, |own| own.max(limit));
    if medians.len() < 2 {
        return Some(slow_above);
    }
    for (tally, found) in tallies.iter().zip(found) {
        let Some(tally) = tally.as_ref().filter(|tally| enough(tally)) else {
            continue;
        };
        let answers = tally.answered();
        let slow = wilson::lower_bound(tally.slower_than(limit), answers, Z) > 0.5;
        if let (true, None, Some(median)) = (slow, &found, tally.median()) {
            *found = Some(Conviction::Slow {
                median,
                pool,
                answers,
            });
        }
    }
    Some(slow_above)
}

/// Finds who fails.
fn failing(tallies: &[Option<Tally>], rules: &SuccessRules, found: &mut [Option<Conviction>]) {
    let enough = |tally: &Tally| tally.attempts >= u64::from(rules.samples.max(1));
    let judged = tallies.iter().flatten().filter(|tally| enough(tally));
    let mut shares: Vec<f64> = judged.map(failure_share).collect();
    shares.sort_unstable_by(f64::total_cmp);
    let Some(pool) = shares.len().checked_sub(1).and_then(|n| shares.get(n / 2)) else {
        return;
    };
    if shares.len() < 2 {
        return;
    }
    let limit = (1.0 - rules.below).max(pool * FAILURE_FACTOR);
    for (tally, found) in tallies.iter().zip(found) {
        let Some(tally) = tally.as_ref().filter(|tally| enough(tally)) else {
            continue;
        };
        let certain = wilson::lower_bound(tally.failures, tally.attempts, Z);
        if certain > limit && found.is_none() {
            *found = Some(Conviction::Failing {
                failures: tally.failures,
                attempts: tally.attempts,
                pool: *pool,
            });
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a relative error of 2^-53 in a share is none"
)]
fn failure_share(tally: &Tally) -> f64 {
    tally.failures as f64 / tally.attempts.max(1) as f64
}

#[cfg(test)]
mod tests;
