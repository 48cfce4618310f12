//! A window is closed once, by one thread, and nothing gets lost.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use loom::sync::Arc;
use loom::thread;

use super::Tally;
use crate::time::Timestamp;

const WINDOW: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Shared {
    tally: Tally<2>,
    inside: AtomicBool,
    closed: AtomicU32,
    counted: AtomicU32,
}

impl Shared {
    fn call(&self, rank: usize) {
        self.tally.count(rank);
        let now = Timestamp::from_secs(2);
        if self.tally.is_over(now, WINDOW) {
            self.tally.close(
                now,
                WINDOW,
                || false,
                |counts| {
                    assert!(!self.inside.swap(true, Ordering::Relaxed));
                    self.closed.fetch_add(1, Ordering::Relaxed);
                    self.counted
                        .fetch_add(counts.iter().sum(), Ordering::Relaxed);
                    self.inside.store(false, Ordering::Relaxed);
                },
            );
        }
    }
}

#[test]
fn a_window_closes_once_and_loses_nothing() {
    loom::model(|| {
        let shared = Arc::new(Shared::default());
        assert!(!shared.tally.is_over(Timestamp::from_secs(1), WINDOW));
        let other = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.call(0))
        };
        shared.call(1);
        other.join().unwrap();
        assert_eq!(shared.closed.load(Ordering::Relaxed), 1);
        let mut rest = 0;
        let later = Timestamp::from_secs(4);
        shared
            .tally
            .close(later, WINDOW, || false, |counts| rest = counts.iter().sum());
        assert_eq!(shared.counted.load(Ordering::Relaxed) + rest, 2);
    });
}
