//! Against a naive model, and by hand.

use std::time::Duration;

use proptest::prelude::*;

use super::super::{Criticality, PolicyKind, Reason, RequestMeta};
use super::{CodelConfig, Order, Queue, QueueConfig, WaiterId};
use crate::time::Timestamp;
use crate::units::Span;

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn queue(config: QueueConfig) -> Queue {
    Queue::new(PolicyKind::LoadShedder, config).unwrap()
}

fn call(criticality: Criticality) -> RequestMeta {
    RequestMeta {
        criticality,
        ..RequestMeta::default()
    }
}

fn until(deadline: u64) -> RequestMeta {
    RequestMeta {
        deadline: Some(at(deadline)),
        ..RequestMeta::default()
    }
}

fn refused(queue: &mut Queue, now: u64) -> Vec<(WaiterId, Reason)> {
    std::iter::from_fn(|| queue.expire(at(now)))
        .map(|(id, rejected)| (id, rejected.reason))
        .collect()
}

#[test]
fn refuses_what_makes_no_sense() {
    let kind = PolicyKind::LoadShedder;
    let default = QueueConfig::default();
    assert_eq!(default.validate(kind), Ok(()));
    for (wrong, field) in [
        (
            QueueConfig {
                capacity: 0,
                ..default
            },
            "capacity",
        ),
        (
            QueueConfig {
                capacity: 65_537,
                ..default
            },
            "capacity",
        ),
        (
            QueueConfig {
                codel: None,
                ..default
            },
            "order",
        ),
        (
            QueueConfig {
                codel: Some(CodelConfig {
                    target: Span::millis(0),
                    ..CodelConfig::default()
                }),
                ..default
            },
            "target",
        ),
        (
            QueueConfig {
                codel: Some(CodelConfig {
                    interval: Span::millis(4),
                    ..CodelConfig::default()
                }),
                ..default
            },
            "interval",
        ),
        (
            QueueConfig {
                codel: Some(CodelConfig {
                    critical_target: Span::millis(4),
                    ..CodelConfig::default()
                }),
                ..default
            },
            "critical_target",
        ),
    ] {
        assert_eq!(wrong.validate(kind).unwrap_err().field, field);
    }
}

#[test]
fn the_more_critical_goes_first_and_displaces() {
    let mut queue = queue(QueueConfig {
        capacity: 2,
        ..QueueConfig::default()
    });
    let low = queue.enter(&call(Criticality::Sheddable), at(0)).unwrap();
    let mid = queue.enter(&call(Criticality::Critical), at(1)).unwrap();
    let top = queue
        .enter(&call(Criticality::CriticalPlus), at(2))
        .unwrap();
    assert_eq!(queue.poll_at(), Some(at(2)), "somebody is to be told");
    assert_eq!(refused(&mut queue, 2), [(low, Reason::Shed)]);
    let full = queue
        .enter(&call(Criticality::Critical), at(2))
        .unwrap_err();
    assert_eq!((full.reason, full.retryable), (Reason::QueueFull, true));
    assert_eq!(queue.next(at(3)), Some(top));
    assert_eq!(queue.next(at(3)), Some(mid));
    assert_eq!((queue.next(at(3)), queue.poll_at()), (None, None));
    let again = queue.enter(&call(Criticality::Critical), at(4)).unwrap();
    assert!(again > top && again.slot() < 3, "slots are used again");
    assert!(!queue.leave(top) && queue.leave(again) && !queue.leave(again));
}

#[test]
fn a_standing_queue_turns_round_and_refuses_who_waited_twice_the_target() {
    let mut queue = queue(QueueConfig::default());
    let call = RequestMeta::default();
    let early: Vec<_> = (0..20)
        .map(|n| queue.enter(&call, at(n * 5)).unwrap())
        .collect();
    assert_eq!(
        queue.next(at(95)),
        Some(early[0]),
        "a burst is served in order"
    );
    assert_eq!(
        queue.poll_at(),
        Some(at(105)),
        "above the target since 5 ms"
    );
    assert_eq!(refused(&mut queue, 104), []);
    let late = refused(&mut queue, 105);
    assert!(queue.stands());
    assert_eq!(late.len(), 19, "all that came up to 95");
    assert!(late.iter().all(|(_, why)| *why == Reason::Overloaded));
    let two = [106, 107].map(|now| queue.enter(&call, at(now)).unwrap());
    assert_eq!(queue.next(at(108)), Some(two[1]), "the last comer first");
    assert_eq!(queue.poll_at(), Some(at(116)));
    assert_eq!(refused(&mut queue, 116).len(), 1);
    let calm = queue.enter(&call, at(300)).unwrap();
    let then = queue.enter(&call, at(301)).unwrap();
    assert_eq!(queue.next(at(302)), Some(calm), "in order again");
    assert_eq!(queue.next(at(302)), Some(then));
}

#[test]
fn the_more_critical_are_not_refused_for_the_delay_of_the_others() {
    let mut queue = queue(QueueConfig::default());
    let [low, high] = [Criticality::Critical, Criticality::CriticalPlus].map(call);
    // The others are never served; of the critical, one always waits for a moment.
    for now in 0..300 {
        queue.enter(&low, at(now)).unwrap();
        if now % 15 == 0 {
            queue.enter(&high, at(now)).unwrap();
        }
        if now % 15 == 14 {
            assert!(queue.next(at(now)).is_some());
        }
        let gone = refused(&mut queue, now);
        assert!(gone.iter().all(|(_, why)| *why == Reason::Overloaded));
        assert_eq!(gone.is_empty(), now < 105, "{now}");
    }
    assert!(queue.stands());
    let last = queue.enter(&high, at(300)).unwrap();
    assert_eq!(queue.next(at(312)), Some(last), "after 12 ms");
}

/// The less critical stop coming while the others still wait for what was done for their sake.
#[test]
fn nobody_is_refused_because_the_load_is_over() {
    let mut queue = queue(QueueConfig::default());
    let [low, high] = [Criticality::Sheddable, Criticality::Critical].map(call);
    let mut highs = std::collections::BTreeSet::new();
    let (mut gone, mut served) = (0, 0);
    for now in 0..900 {
        if now < 320 {
            queue.enter(&low, at(now)).unwrap();
        }
        // With one place in two milliseconds the last one waits for 130 ms.
        if (200..420).contains(&now) && now % 10 < 8 {
            highs.insert(queue.enter(&high, at(now)).unwrap());
        }
        if now % 2 == 0
            && let Some(id) = queue.next(at(now))
        {
            served += u32::from(highs.remove(&id));
        }
        let refused = refused(&mut queue, now).into_iter();
        gone += refused.filter(|(id, _)| highs.remove(id)).count();
    }
    assert_eq!((gone, served), (0, 176));
}

#[test]
fn while_the_less_critical_are_refused_the_others_wait_longer() {
    let mut queue = queue(QueueConfig::default());
    let [low, high] = [Criticality::Sheddable, Criticality::Critical].map(call);
    // One critical call a millisecond from 200 on, and two places in three milliseconds.
    let mut came = std::collections::BTreeMap::new();
    let (mut longest, mut served, mut gone) = (0, 0, Vec::new());
    for now in 0..1_000 {
        queue.enter(&low, at(now)).unwrap();
        if now >= 200 {
            came.insert(queue.enter(&high, at(now)).unwrap(), now);
            if now % 3 != 0
                && let Some(arrived) = came.remove(&queue.next(at(now)).unwrap())
            {
                longest = longest.max(now - arrived);
                served += 1;
            }
        }
        let refused = refused(&mut queue, now).into_iter();
        gone.extend(refused.filter_map(|(id, _)| Some((came.remove(&id)?, now))));
    }
    assert!(
        gone.iter().all(|(arrived, now)| now - arrived >= 200),
        "{gone:?}"
    );
    assert!((100..200).contains(&longest), "{longest}");
    assert!(
        gone[0].1 >= 500,
        "100 ms of delay take 300 ms, and an interval: {gone:?}"
    );
    assert!(served > 530 - 5, "no place is lost: {served}");
}

#[test]
fn what_would_come_too_late_is_refused_at_once() {
    let mut queue = queue(QueueConfig {
        order: Order::Fifo,
        ..QueueConfig::default()
    });
    assert!(queue.enter(&until(10), at(10)).is_err(), "over already");
    queue.expect(Duration::from_millis(20), 2);
    let late = queue.enter(&until(120), at(100)).unwrap_err();
    assert_eq!(
        (late.reason, late.retryable),
        (Reason::DeadlineExceeded, false)
    );
    let first = queue.enter(&until(125), at(100)).unwrap();
    assert!(
        queue.enter(&until(130), at(100)).is_err(),
        "one ahead: 10 ms and 20 ms"
    );
    let second = queue.enter(&until(131), at(100)).unwrap();
    assert_eq!(queue.poll_at(), Some(at(105)), "20 ms before 125");
    assert_eq!(
        refused(&mut queue, 105),
        [(first, Reason::DeadlineExceeded)]
    );
    assert_eq!(queue.next(at(105)), Some(second));
}

#[test]
fn the_target_is_never_less_than_a_turn() {
    let mut queue = queue(QueueConfig::default());
    queue.expect(Duration::from_millis(100), 4);
    queue.enter(&RequestMeta::default(), at(0)).unwrap();
    assert_eq!(queue.poll_at(), Some(at(125)), "25 ms and an interval");
    assert_eq!(refused(&mut queue, 125).len(), 1);
    assert!(queue.stands());
    queue.enter(&RequestMeta::default(), at(130)).unwrap();
    assert_eq!(queue.poll_at(), Some(at(180)));
}

#[derive(Clone, Debug)]
enum Step {
    Enter(usize, Option<u64>),
    Next,
    Leave(usize),
    Expire,
    Pass(u64),
    Poll,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..4, prop::option::of(0u64..60)).prop_map(|(c, d)| Step::Enter(c, d)),
        2 => Just(Step::Next),
        1 => any::<usize>().prop_map(Step::Leave),
        1 => Just(Step::Expire),
        3 => (0u64..15).prop_map(Step::Pass),
        1 => Just(Step::Poll),
    ]
}

/// Who waits, in a plain list in the order of arrival: id, class, arrival, end, reason.
#[derive(Default)]
struct Naive {
    waiters: Vec<(WaiterId, usize, u64, u64, Reason)>,
    refused: Vec<(WaiterId, Reason)>,
}

impl Naive {
    fn sweep(&mut self, now: u64) {
        let refused = &mut self.refused;
        self.waiters.retain(|(id, _, _, end, reason)| {
            if *end <= now {
                refused.push((*id, *reason));
            }
            *end > now
        });
    }

    fn next(&mut self, last_first: bool) -> Option<WaiterId> {
        let top = self.waiters.iter().map(|waiter| waiter.1).max()?;
        let mut equals = self.waiters.iter().filter(|waiter| waiter.1 == top);
        let id = if last_first {
            equals.next_back()
        } else {
            equals.next()
        }?
        .0;
        self.waiters.retain(|waiter| waiter.0 != id);
        Some(id)
    }

    fn enter(&mut self, class: usize, capacity: usize, last_first: bool) -> bool {
        if self.waiters.len() < capacity {
            return true;
        }
        let low = self.waiters.iter().map(|waiter| waiter.1).min();
        let Some(low) = low.filter(|low| *low < class && self.refused.len() < capacity) else {
            return false;
        };
        let mut equals = self.waiters.iter().filter(|waiter| waiter.1 == low);
        let id = if last_first {
            equals.next()
        } else {
            equals.next_back()
        }
        .unwrap()
        .0;
        self.waiters.retain(|waiter| waiter.0 != id);
        self.refused.push((id, Reason::Shed));
        true
    }
}

proptest! {
    #[test]
    fn is_a_list_with_rules(
        lifo in any::<bool>(),
        by_criticality in any::<bool>(),
        steps in prop::collection::vec(step(), 1..200),
    ) {
        const CAPACITY: u32 = 5;
        const MAX_WAIT: u64 = 30;
        let mut queue = queue(QueueConfig {
            capacity: CAPACITY,
            max_wait: Span::millis(MAX_WAIT),
            order: if lifo { Order::Lifo } else { Order::Fifo },
            by_criticality,
            codel: None,
        });
        let (mut naive, mut now) = (Naive::default(), 0);
        for step in steps {
            if !matches!(step, Step::Pass(_) | Step::Poll | Step::Leave(_)) {
                naive.sweep(now);
            }
            match step {
                Step::Enter(level, patience) => {
                    let request = RequestMeta {
                        deadline: patience.map(|patience| at(now + patience)),
                        ..call(Criticality::ALL[level])
                    };
                    let class = if by_criticality { level } else { 0 };
                    let expected = patience != Some(0)
                        && naive.enter(class, CAPACITY as usize, lifo);
                    let entered = queue.enter(&request, at(now));
                    prop_assert_eq!(entered.is_ok(), expected);
                    if let Ok(id) = entered {
                        let (wait, reason) = match patience {
                            Some(patience) if patience < MAX_WAIT => (patience, Reason::DeadlineExceeded),
                            _ => (MAX_WAIT, Reason::WaitedTooLong),
                        };
                        naive.waiters.push((id, class, now, now + wait, reason));
                    }
                }
                Step::Next => prop_assert_eq!(queue.next(at(now)), naive.next(lifo)),
                Step::Leave(n) if !naive.waiters.is_empty() => {
                    let gone = naive.waiters.remove(n % naive.waiters.len());
                    prop_assert!(queue.leave(gone.0));
                }
                Step::Expire => {
                    let mut all = refused(&mut queue, now);
                    all.sort_by_key(|(id, _)| *id);
                    naive.refused.sort_by_key(|(id, _)| *id);
                    prop_assert_eq!(all, std::mem::take(&mut naive.refused));
                }
                Step::Pass(ms) => now += ms,
                Step::Poll => {
                    let due = naive.waiters.iter().map(|waiter| at(waiter.3)).min();
                    if naive.refused.is_empty() {
                        prop_assert_eq!(queue.poll_at(), due);
                    } else {
                        prop_assert!(queue.poll_at().unwrap() <= at(now));
                    }
                }
                Step::Leave(_) => {}
            }
            prop_assert_eq!(queue.len() as usize, naive.waiters.len());
        }
    }

    #[test]
    fn everybody_leaves_once_and_in_time(steps in prop::collection::vec(step(), 1..300)) {
        let mut queue = queue(QueueConfig { capacity: 20, ..QueueConfig::default() });
        let (mut inside, mut now) = (std::collections::BTreeMap::new(), 0);
        for step in steps {
            match step {
                Step::Enter(level, _) => {
                    if let Ok(id) = queue.enter(&call(Criticality::ALL[level]), at(now)) {
                        prop_assert!(inside.insert(id, (now, level)).is_none());
                        let slots: std::collections::BTreeSet<_> =
                            inside.keys().map(|id| id.slot()).collect();
                        prop_assert_eq!(slots.len(), inside.len());
                    }
                }
                Step::Next => {
                    if let Some(id) = queue.next(at(now)) {
                        let (arrived, class) = inside.remove(&id).unwrap();
                        let stands = queue.class_stands(class);
                        // Nobody is refused for the sake of the least critical.
                        let (overdue, longest) = if class == 0 { (10, 105) } else { (200, 205) };
                        prop_assert!(!stands || now < arrived + overdue, "{arrived} {now}");
                        prop_assert!(now < arrived + longest, "stood for an interval before");
                    }
                }
                Step::Leave(n) if !inside.is_empty() => {
                    let id = *inside.keys().nth(n % inside.len()).unwrap();
                    inside.remove(&id);
                    prop_assert!(queue.leave(id));
                }
                Step::Expire | Step::Poll => {
                    let due = queue.poll_at();
                    let gone = refused(&mut queue, now);
                    prop_assert!(gone.is_empty() || due.unwrap() <= at(now), "refused before its time");
                    for (id, _) in gone {
                        prop_assert!(inside.remove(&id).is_some());
                    }
                    prop_assert!(queue.poll_at().is_none_or(|due| due > at(now)), "no busy loop");
                }
                Step::Pass(ms) => now += ms,
                Step::Leave(_) => {}
            }
        }
    }
}
