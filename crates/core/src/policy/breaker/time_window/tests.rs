//! The buckets beside a list of calls.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Op {
    Record(u32),
    Wait(u64),
    StepBack(u64),
    Begin,
    Relay(u64, u32),
}

const MILLI: u64 = 1_000_000;

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        10 => (0u32..4).prop_map(Op::Record),
        6 => (0u64..40).prop_map(Op::Wait),
        1 => (1u64..4_000).prop_map(Op::Wait),
        1 => (1u64..200).prop_map(Op::StepBack),
        1 => Just(Op::Begin),
        1 => (0u64..200, 1u32..=64).prop_map(|(more, buckets)| Op::Relay(more, buckets)),
    ];
    prop::collection::vec(op, 1..120)
}

/// What a model remembers of a call: the step and what it was.
type Call = (u64, Tally);

fn counts_of(calls: &[Call], step: u64, buckets: u64) -> Counts {
    let mut counts = Counts::default();
    for (_, tally) in calls.iter().filter(|(at, _)| at + buckets > step) {
        counts.calls += 1;
        counts.failed += u64::from(tally.failed);
        counts.slow += u64::from(tally.slow);
    }
    counts
}

proptest! {
    #[test]
    fn the_buckets_are_the_last_while(ops in ops(), span in 64u64..640, buckets in 1u32..=64) {
        let mut layout = Layout::new(span * MILLI, buckets);
        let window = TimeWindow::new(layout);
        let (mut now_ns, mut latest, mut generation) = (10_000 * MILLI, 0u64, 1);
        let mut calls: Vec<Call> = Vec::new();
        for op in ops {
            match op {
                Op::Wait(ms) => now_ns += ms * MILLI,
                Op::StepBack(ms) => now_ns -= ms.min(now_ns / MILLI) * MILLI,
                Op::Begin => {
                    generation += 1;
                    calls.clear();
                }
                Op::Relay(more, buckets) => {
                    let to = Layout::new((u64::from(buckets) + more) * MILLI, buckets);
                    window.relay(to, generation, generation + 2);
                    generation += 2;
                    let end = |step: u64| ((step + 1) * layout.step_ns - 1) / to.step_ns;
                    calls.retain(|(step, _)| step + layout.buckets > latest);
                    latest = latest * layout.step_ns / to.step_ns;
                    for (step, _) in &mut calls {
                        *step = end(*step).min(latest);
                    }
                    calls.retain(|(step, _)| step + to.buckets > latest);
                    layout = to;
                }
                Op::Record(bits) => {
                    latest = latest.max(now_ns / layout.step_ns);
                    let tally = Tally::from_bits(bits);
                    calls.push((latest, tally));
                    let expected = counts_of(&calls, latest, layout.buckets);
                    let judged = window.record(window.spot(generation, Timestamp::from_nanos(now_ns)), tally);
                    prop_assert!(judged.is_none_or(|counts| counts == expected));
                    prop_assert!(judged.is_some() || expected.failed + expected.slow == 0);
                }
            }
            latest = latest.max(now_ns / layout.step_ns);
            let spot = window.spot(generation, Timestamp::from_nanos(now_ns));
            prop_assert_eq!(window.counts(spot), counts_of(&calls, latest, layout.buckets));
        }
    }
}

#[test]
fn the_past_neither_counts_nor_disturbs() {
    let window = TimeWindow::new(Layout::new(1_000 * MILLI, 10));
    let now = Timestamp::from_secs(100);
    let late = window.spot(1, now);
    let spot = window.spot(2, now);
    let failed = Tally::from_bits(1);
    assert!(window.record(spot, failed).is_some());
    assert_eq!(window.record(late, failed), None);
    assert_eq!(window.counts(spot).calls, 1);
    assert_eq!(window.counts(window.spot(3, now)).calls, 0);
}

#[test]
fn a_bucket_that_is_older_than_the_circle_of_tags_blocks_nobody() {
    let window = TimeWindow::new(Layout::new(MILLI, 1));
    let failed = Tally::from_bits(1);
    window.record(window.spot(1, Timestamp::from_millis(64)), failed);
    // Bucket 0 again, whose tag now seems to lie half a circle ahead.
    let later = Timestamp::from_millis(64 + (1 << 31) + 64);
    let counts = window.record(window.spot(1, later), failed).unwrap();
    assert_eq!((counts.calls, counts.failed), (1, 1));
}

#[test]
fn threads_lose_nothing() {
    let window = TimeWindow::new(Layout::new(1_000_000 * MILLI, 10));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..20_000u64 {
                    let now = Timestamp::from_millis(n);
                    window.record(window.spot(1, now), Tally::from_bits(1));
                }
            });
        }
    });
    let counts = window.counts(window.spot(1, Timestamp::from_millis(20_000)));
    assert_eq!(
        (counts.calls, counts.failed, counts.slow),
        (80_000, 80_000, 0)
    );
}
