//! A service, a trigger, and callers that time out and ask again.

use std::collections::{BTreeMap, VecDeque};

use super::super::{Admission, Criticality, MetastabilityGuard, Outcome, RequestMeta};
use super::GuardState;
use crate::rng::Rng;
use crate::time::Timestamp;

/// Requests a second; the service does 1,000.
const LOAD: u64 = 700;
const TIMEOUT_MS: u64 = 200;
const ATTEMPTS: u32 = 4;
/// What the service lets wait. It does not know who has given up.
const QUEUE: usize = 3_000;
/// The service stands still from here to there.
const TRIGGER_MS: std::ops::Range<u64> = 10_000..13_000;

/// Good answers in each second, and the guard's state at its end.
fn run(guard: Option<&MetastabilityGuard>, secs: u64) -> Vec<(u32, GuardState)> {
    let mut rng = Rng::new(9);
    let mut queue: VecDeque<(u64, u64)> = VecDeque::new();
    let mut open: BTreeMap<u64, RequestMeta> = BTreeMap::new();
    let mut times_out: VecDeque<(u64, u64)> = VecDeque::new();
    let (mut ids, mut report, mut good) = (0, Vec::new(), 0);
    for ms in 0..secs * 1_000 {
        let now = Timestamp::from_millis(ms);
        let mut begin = Vec::new();
        if rng.below(1_000) < LOAD {
            let critical = rng.below(4) == 0;
            let criticality = if critical {
                Criticality::Critical
            } else {
                Criticality::Sheddable
            };
            begin.push(RequestMeta {
                criticality,
                ..RequestMeta::default()
            });
        }
        while times_out.front().is_some_and(|(at, _)| *at <= ms) {
            let (_, id) = times_out.pop_front().unwrap();
            // An attempt that was not answered has failed, and is repeated.
            if let Some(call) = open.remove(&id) {
                guard.inspect(|guard| guard.settle((), Outcome::Failure, now));
                if call.attempt + 1 < ATTEMPTS
                    && guard.is_none_or(MetastabilityGuard::repeats_allowed)
                {
                    begin.push(RequestMeta {
                        attempt: call.attempt + 1,
                        ..call
                    });
                }
            }
        }
        for call in begin {
            if guard.is_none_or(|guard| guard.try_acquire(&call, now).is_ok()) {
                ids += 1;
                open.insert(ids, call);
                times_out.push_back((ms + TIMEOUT_MS, ids));
                if queue.len() < QUEUE {
                    queue.push_back((ms, ids));
                }
            }
        }
        if !TRIGGER_MS.contains(&ms)
            && let Some((_, id)) = queue.pop_front()
            && open.remove(&id).is_some()
        {
            good += 1;
            guard.inspect(|guard| guard.settle((), Outcome::Success, now));
        }
        if ms % 1_000 == 999 {
            report.push((
                good,
                guard.map_or(GuardState::Stable, MetastabilityGuard::state),
            ));
            good = 0;
        }
    }
    report
}

fn is_well(second: &(u32, GuardState)) -> bool {
    u64::from(second.0) * 100 >= LOAD * 90
}

#[test]
fn without_a_guard_the_loop_stands() {
    let report = run(None, 120);
    assert!(report[2..10].iter().all(is_well), "{report:?}");
    assert!(
        report[14..].iter().all(|(good, _)| *good < 70),
        "{report:?}"
    );
}

#[test]
fn with_a_guard_the_loop_is_broken() {
    let guard = MetastabilityGuard::default();
    let report = run(Some(&guard), 120);
    assert!(
        report[2..10]
            .iter()
            .all(|second| is_well(second) && second.1 == GuardState::Stable)
    );
    assert!(
        report
            .iter()
            .any(|(_, state)| *state == GuardState::Metastable)
    );
    let recovered = report.iter().rposition(|second| !is_well(second)).unwrap() + 1;
    assert!(
        recovered <= 13 + 15,
        "well from second {recovered} on: {report:?}"
    );
    assert!(guard.repeats_allowed() && guard.shed_share() <= 0.0);
    assert_eq!(guard.state(), GuardState::Stable);
}
