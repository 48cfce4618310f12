//! Every interleaving of two threads at one breaker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::thread;

use super::count_window::CountWindow;
use super::counts::Tally;
use super::time_window::{Layout, TimeWindow};
use super::{CircuitBreaker, CircuitBreakerConfig, Counts, SlidingWindow, State, Token};
use crate::policy::{
    Admission, Change, Event, Listener, Outcome, Reason, Rejected, RequestMeta, Source,
};
use crate::time::Timestamp;
use crate::units::Ratio;

/// Counts changes of state. Not modelled: it decides nothing.
#[derive(Default)]
struct Changes(AtomicUsize);

impl Listener for Changes {
    fn on_event(&self, event: &Event<'_>) {
        if let Change::State { .. } = event.change {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

const START: Timestamp = Timestamp::from_secs(100);
const LATER: Timestamp = Timestamp::from_secs(105);
const TOO_LATE: Timestamp = Timestamp::from_secs(115);

fn config(permitted: u32) -> CircuitBreakerConfig {
    CircuitBreakerConfig {
        sliding_window: SlidingWindow::Count(2),
        minimum_calls: 2,
        failure_rate_threshold: Ratio::ONE,
        permitted_calls_in_half_open: permitted,
        half_open_success_rate: Ratio::ONE,
        open_wait_jitter: Ratio::percent(0),
        ..CircuitBreakerConfig::default()
    }
}

fn breaker(config: CircuitBreakerConfig) -> (Arc<CircuitBreaker>, Arc<Changes>) {
    let changes = Arc::new(Changes::default());
    let breaker = CircuitBreaker::new(config).unwrap();
    let source = Source::new("loom", Arc::<Changes>::clone(&changes));
    (Arc::new(breaker.with_source(source)), changes)
}

fn acquire(breaker: &CircuitBreaker, now: Timestamp) -> Result<Token, Rejected> {
    breaker.try_acquire(&RequestMeta::default(), now)
}

/// Opens it.
fn trip(breaker: &CircuitBreaker) {
    for _ in 0..2 {
        let token = acquire(breaker, START).unwrap();
        breaker.settle(token, Outcome::Failure, START);
    }
    assert_eq!(breaker.state(), State::Open);
}

fn in_two<A, B>(left: impl FnOnce() -> A + Send + 'static, right: impl FnOnce() -> B) -> (A, B)
where
    A: 'static,
{
    let left = thread::spawn(left);
    let right = right();
    (left.join().unwrap(), right)
}

/// With three switches, which is enough to meet in the middle of it; all would take minutes.
fn bounded(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

#[test]
fn a_result_never_counts_in_a_later_generation() {
    loom::model(|| {
        let (breaker, _) = breaker(config(1));
        let stale = acquire(&breaker, START).unwrap();
        let other = Arc::clone(&breaker);
        in_two(
            move || other.settle(stale, Outcome::Failure, START),
            || {
                breaker.force_open();
                breaker.force_close();
                let token = acquire(&breaker, START).unwrap();
                breaker.settle(token, Outcome::Failure, START);
            },
        );
        // One failure of two: had the stale one counted, it would be open.
        assert_eq!(breaker.state(), State::Closed);
        assert_eq!(breaker.counts(START).calls, 1);
    });
}

#[test]
fn a_result_never_counts_in_a_window_by_time_that_is_laid_out_anew() {
    bounded(|| {
        let window = Arc::new(TimeWindow::new(Layout::new(1_000_000, 1)));
        let failed = Tally::from_bits(1);
        let other = Arc::clone(&window);
        in_two(
            // A call of the first generation is late, in whichever layout it sees.
            move || other.record(other.spot(1, START), failed),
            || window.relay(Layout::new(64_000_000, 1), 2, 3),
        );
        let spot = || window.spot(3, START);
        assert_eq!(window.counts(spot()), Counts::default());
        window.record(spot(), failed);
        let counts = window.counts(spot());
        assert_eq!((counts.calls, counts.failed), (1, 1));
    });
}

#[test]
fn a_window_that_changes_its_size_keeps_its_sums() {
    bounded(|| {
        // Smaller, not larger: the model checker does not see that `OnceLock` publishes.
        let holding = |calls| CircuitBreakerConfig {
            sliding_window: SlidingWindow::Count(calls),
            minimum_calls: 1,
            ..config(1)
        };
        let (breaker, _) = breaker(holding(2));
        breaker.metrics_only();
        let stale = acquire(&breaker, START).unwrap();
        let other = Arc::clone(&breaker);
        in_two(
            move || other.settle(stale, Outcome::Failure, START),
            || breaker.reconfigure(holding(1)).unwrap(),
        );
        let kept = breaker.counts(START);
        assert!(kept.calls <= 1 && kept.calls == kept.failed, "{kept:?}");
        let token = acquire(&breaker, START).unwrap();
        breaker.settle(token, Outcome::Success, START);
        let counts = breaker.counts(START);
        assert_eq!((counts.calls, counts.failed), (1, 0));
    });
}

#[test]
fn trials_are_never_over_admitted() {
    loom::model(|| {
        let (breaker, changes) = breaker(config(1));
        trip(&breaker);
        let other = Arc::clone(&breaker);
        let (left, right) = in_two(
            move || acquire(&other, LATER).map(|_| ()),
            || acquire(&breaker, LATER).map(|_| ()),
        );
        assert!(left.is_ok() != right.is_ok());
        let refused = left.and(right).unwrap_err();
        assert_eq!(refused.reason, Reason::HalfOpenFull);
        assert_eq!(changes.0.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn a_cancelled_trial_gives_its_place_back_once() {
    loom::model(|| {
        let (breaker, _) = breaker(config(1));
        trip(&breaker);
        let trial = acquire(&breaker, LATER).unwrap();
        let other = Arc::clone(&breaker);
        let ((), taken) = in_two(
            move || other.cancel(trial),
            || acquire(&breaker, LATER).is_ok(),
        );
        let then = acquire(&breaker, LATER);
        assert_eq!(then.is_ok(), !taken, "one place, and it is free or taken");
        assert!(acquire(&breaker, LATER).is_err());
    });
}

#[test]
fn threads_that_trip_it_at_once_make_one_change() {
    loom::model(|| {
        let (breaker, changes) = breaker(config(1));
        let tokens = [(); 2].map(|()| acquire(&breaker, START).unwrap());
        let [left, right] = tokens;
        let other = Arc::clone(&breaker);
        in_two(
            move || other.settle(left, Outcome::Failure, START),
            || breaker.settle(right, Outcome::Failure, START),
        );
        assert_eq!(breaker.state(), State::Open);
        assert_eq!(changes.0.load(Ordering::Relaxed), 1);
        assert!(
            breaker
                .time_left(START)
                .is_some_and(|left| left.as_secs() == 5)
        );
    });
}

#[test]
fn the_last_two_trials_come_to_one_verdict() {
    loom::model(|| {
        let (breaker, changes) = breaker(config(2));
        trip(&breaker);
        let [left, right] = [(); 2].map(|()| acquire(&breaker, LATER).unwrap());
        let other = Arc::clone(&breaker);
        in_two(
            move || other.settle(left, Outcome::Success, LATER),
            || breaker.settle(right, Outcome::Success, LATER),
        );
        assert_eq!(breaker.state(), State::Closed);
        assert_eq!(changes.0.load(Ordering::Relaxed), 3);
        assert_eq!(breaker.counts(LATER), Counts::default());
    });
}

#[test]
fn a_trial_that_ends_as_its_time_is_up_comes_to_one_verdict() {
    loom::model(|| {
        let (breaker, changes) = breaker(config(1));
        trip(&breaker);
        let trial = acquire(&breaker, LATER).unwrap();
        let other = Arc::clone(&breaker);
        let ((), asked) = in_two(
            move || other.settle(trial, Outcome::Success, TOO_LATE),
            || acquire(&breaker, TOO_LATE).is_ok(),
        );
        let closed = breaker.state() == State::Closed;
        assert_eq!(asked, closed, "whoever asked saw what was decided");
        assert_eq!(changes.0.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn the_sums_of_the_ring_are_those_of_its_slots() {
    // One slot, so that the threads lap each other.
    loom::model(|| {
        let window = Arc::new(CountWindow::new(1, 1));
        let (failed, slow) = (Tally::from_bits(1), Tally::from_bits(2));
        let other = Arc::clone(&window);
        in_two(
            move || {
                other.record(1, 1, failed);
                other.record(1, 1, Tally::GOOD);
            },
            || window.record(1, 1, slow),
        );
        let slots = window.latest(1, 1);
        let counts = window.counts(1).unwrap();
        assert_eq!(slots.len(), 1);
        assert_eq!(counts.calls, 1);
        assert_eq!(counts.failed, u64::from(slots[0].failed));
        assert_eq!(counts.slow, u64::from(slots[0].slow));
    });
}

#[test]
fn a_bucket_that_is_taken_over_loses_nothing() {
    loom::model(|| {
        let window = Arc::new(TimeWindow::new(Layout::new(1_000_000_000, 1)));
        let failed = Tally::from_bits(1);
        // 64 seconds ago, in the bucket that is now current.
        let old = START - std::time::Duration::from_secs(64);
        window.record(window.spot(1, old), failed);
        let other = Arc::clone(&window);
        in_two(
            move || other.record(other.spot(1, START), failed),
            || window.record(window.spot(1, START), failed),
        );
        let counts = window.counts(window.spot(1, START));
        assert_eq!((counts.calls, counts.failed), (2, 2));
    });
}

#[test]
fn the_latest_step_never_goes_back() {
    loom::model(|| {
        let window = Arc::new(TimeWindow::new(Layout::new(1_000_000_000, 1)));
        let failed = Tally::from_bits(1);
        let other = Arc::clone(&window);
        in_two(
            move || other.record(other.spot(1, LATER), failed),
            || window.record(window.spot(1, START), failed),
        );
        // Whichever came first, the later one is in the window of whoever asks last.
        let counts = window.counts(window.spot(1, START));
        assert!(
            counts.calls >= 1 && counts.calls == counts.failed,
            "{counts:?}"
        );
    });
}
