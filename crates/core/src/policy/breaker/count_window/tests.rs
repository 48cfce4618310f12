//! The ring beside a queue.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Op {
    Record(u32),
    Good(u32),
    Begin,
    Resize(u32),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => (0u32..4).prop_map(Op::Record),
        8 => (1u32..30).prop_map(Op::Good),
        1 => Just(Op::Begin),
        2 => (1u32..12).prop_map(Op::Resize),
    ];
    prop::collection::vec(op, 1..80)
}

fn counts_of<'a>(tallies: impl IntoIterator<Item = &'a Tally>) -> Counts {
    let mut counts = Counts::default();
    for tally in tallies {
        counts.calls += 1;
        counts.failed += u64::from(tally.failed);
        counts.slow += u64::from(tally.slow);
    }
    counts
}

proptest! {
    #[test]
    fn the_ring_is_the_last_n(ops in ops(), first in 1u32..8) {
        let (mut generation, mut calls) = (1, first);
        let window = CountWindow::new(generation, calls);
        let mut model: VecDeque<Tally> = VecDeque::new();
        for op in ops {
            let (times, tally) = match op {
                Op::Record(bits) => (1, Tally::from_bits(bits)),
                Op::Good(times) => (times, Tally::GOOD),
                Op::Begin => {
                    generation += 1;
                    window.begin(generation);
                    model.clear();
                    (0, Tally::GOOD)
                }
                Op::Resize(to) => {
                    let latest = window.latest(generation, calls);
                    (generation, calls) = (generation + 2, to);
                    window.begin_with(generation, calls, &latest);
                    while model.len() > calls as usize {
                        model.pop_front();
                    }
                    (0, Tally::GOOD)
                }
            };
            for _ in 0..times {
                let before = counts_of(&model);
                model.push_back(tally);
                if model.len() > calls as usize {
                    model.pop_front();
                }
                let after = counts_of(&model);
                let judged = window.record(generation, calls, tally);
                let expected = (after != before || !tally.is_good()).then_some(after);
                prop_assert_eq!(judged.filter(|_| expected.is_some()), expected);
                prop_assert!(judged.is_none_or(|counts| counts == after));
            }
            prop_assert_eq!(window.counts(generation), Some(counts_of(&model)));
            prop_assert_eq!(window.counts(generation + 1), None);
            let latest: Vec<Tally> = model.iter().rev().copied().collect();
            prop_assert_eq!(window.latest(generation, calls), latest);
        }
    }

    // Results of a generation that is over change nothing, wherever they come in between.
    #[test]
    fn the_past_changes_nothing(
        records in prop::collection::vec((any::<bool>(), 0u32..4), 1..60), calls in 1u32..8,
    ) {
        let (window, alone) = (CountWindow::new(1, calls), CountWindow::new(5, calls));
        for n in 0..20u32 {
            window.record(1, calls, Tally::from_bits(n % 4));
        }
        window.begin(5);
        for (stale, bits) in records {
            let tally = Tally::from_bits(bits);
            if stale {
                prop_assert_eq!(window.record(1, calls, tally), None);
            } else {
                alone.record(5, calls, tally);
                window.record(5, calls, tally);
            }
            // Places that late calls took stay empty for one lap, so there may be fewer calls in
            // the window, but never one of the past.
            let (now, alone) = (window.counts(5).unwrap(), alone.counts(5).unwrap());
            prop_assert!(now.calls <= alone.calls);
        }
        let slots = window.latest(5, calls);
        prop_assert_eq!(window.counts(5), Some(counts_of(&slots)));
    }
}

#[test]
fn a_full_window_of_good_calls_is_left_alone() {
    let window = CountWindow::new(1, 10);
    for _ in 0..10 {
        window.record(1, 10, Tally::GOOD);
    }
    let head = window.head.load(Relaxed);
    for _ in 0..1_000 {
        assert_eq!(window.record(1, 10, Tally::GOOD), None);
    }
    assert_eq!(window.head.load(Relaxed), head);
}

#[test]
fn the_head_is_turned_back_so_that_it_needs_no_division() {
    let window = CountWindow::new(1, 10);
    for _ in 0..1_000 {
        window.record(1, 10, Tally::from_bits(1));
        assert!(window.head.load(Relaxed) <= 10);
    }
}

#[test]
fn a_ticket_beyond_the_ring_goes_round_and_turns_the_head_back() {
    // As another thread leaves it that drew its ticket and is not yet done.
    let window = CountWindow::new(1, 10);
    window.head.store(13, Relaxed);
    assert_eq!(window.next_place(10), 3);
    assert_eq!(window.head.load(Relaxed), 4);
    assert_eq!(window.next_place(10), 4);
}

#[test]
fn threads_leave_sums_that_are_those_of_the_slots() {
    const CALLS: u32 = 7;
    let window = CountWindow::new(1, CALLS);
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let window = &window;
            scope.spawn(move || {
                let mut rng = crate::rng::Rng::new(seed);
                for _ in 0..20_000 {
                    let bits = u32::try_from(rng.below(4)).unwrap();
                    window.record(1, CALLS, Tally::from_bits(bits));
                }
            });
        }
    });
    let slots = window.latest(1, CALLS);
    assert_eq!(slots.len(), CALLS as usize);
    assert_eq!(window.counts(1), Some(counts_of(&slots)));
}
