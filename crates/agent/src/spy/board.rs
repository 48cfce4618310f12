use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ninefold_core::event::Disturbance;
use ninefold_core::spy::{Knock, Listeners};
use ninefold_core::time::nanos;

use super::spies::monotonic;
use crate::lock::lock;

/// Disturbances that wait for the control plane at most; the oldest are lost.
const FOUND_MAX: usize = 64;
/// A write to the state folder that takes longer is slow.
pub(super) const SLOW: Duration = Duration::from_secs(2);

/// What the spies have found, and what they go by.
#[derive(Debug, Default)]
pub(crate) struct Board {
    /// When the control plane last ran.
    beat: AtomicU64,
    ended: AtomicBool,
    found: Mutex<VecDeque<Disturbance>>,
    disk: Mutex<Disk>,
    /// Whether the listeners of the node should accept.
    open: AtomicBool,
    listeners: Mutex<Listeners>,
}

/// The writes to the state folder.
#[derive(Debug, Default)]
struct Disk {
    /// When the one under way began.
    began: Option<u64>,
    /// How long the last took.
    took: Option<Duration>,
    /// What is wrong, if anything.
    trouble: Option<Disturbance>,
}

impl Board {
    pub(super) fn new(now: u64) -> Self {
        Self {
            beat: AtomicU64::new(now),
            ..Self::default()
        }
    }

    /// The control plane runs.
    pub(crate) fn beat(&self) {
        self.beat.store(monotonic(), Ordering::Relaxed);
    }

    pub(super) fn last_beat(&self) -> u64 {
        self.beat.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    pub(super) fn put(&self, disturbance: Disturbance) {
        let mut found = lock(&self.found);
        if found.len() >= FOUND_MAX {
            found.pop_front();
        }
        found.push_back(disturbance);
    }

    /// What was found since the last time.
    pub(crate) fn take(&self) -> Vec<Disturbance> {
        lock(&self.found).drain(..).collect()
    }

    /// What is wrong with the state folder and the listeners, in words.
    pub(crate) fn problems(&self) -> Vec<String> {
        let disk = lock(&self.disk).trouble.clone();
        let listeners = lock(&self.listeners);
        let troubles = disk.iter().chain(listeners.troubles());
        troubles.map(ToString::to_string).collect()
    }

    /// Whether the listeners of the node should accept from now on.
    pub(crate) fn open(&self, open: bool) {
        self.open.store(open, Ordering::Relaxed);
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// What became of connections to the listeners. What came of those that should not accept any more is no news.
    pub(super) fn knocked(&self, knocks: Vec<(String, Knock)>) {
        if !self.is_open() {
            return;
        }
        let changed = lock(&self.listeners).round(knocks);
        changed.into_iter().for_each(|one| self.put(one));
    }

    /// How long the last write to the state folder took.
    pub(crate) fn write_time(&self) -> Option<Duration> {
        lock(&self.disk).took
    }

    /// A write to the state folder begins.
    pub(super) fn write_begins(&self, now: u64) {
        lock(&self.disk).began = Some(now);
    }

    /// It ended.
    pub(super) fn write_ended(&self, now: u64, result: Result<(), String>) {
        let mut disk = lock(&self.disk);
        let took = now.saturating_sub(disk.began.take().unwrap_or(now));
        disk.took = Some(Duration::from_nanos(took));
        let trouble = match result {
            Err(error) => Some(Disturbance::DiskFailed { error }),
            Ok(()) if took >= nanos(SLOW) => Some(slow()),
            Ok(()) => None,
        };
        self.turn(&mut disk, trouble);
    }

    /// One that does not end is told of while it lasts.
    pub(super) fn look_at_disk(&self, now: u64) {
        let mut disk = lock(&self.disk);
        let late = |began| now.saturating_sub(began) >= nanos(SLOW);
        if disk.began.is_some_and(late) {
            self.turn(&mut disk, Some(slow()));
        }
    }

    fn turn(&self, disk: &mut Disk, trouble: Option<Disturbance>) {
        if disk.trouble == trouble {
            return;
        }
        self.put(trouble.clone().unwrap_or(Disturbance::DiskRecovered));
        disk.trouble = trouble;
    }
}

fn slow() -> Disturbance {
    Disturbance::DiskSlow {
        took_ns: nanos(SLOW),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEC: u64 = 1_000_000_000;

    #[test]
    fn a_write_that_hangs_is_told_of_while_it_does_and_once() {
        let board = Board::default();
        board.write_begins(SEC);
        board.look_at_disk(2 * SEC);
        assert_eq!(board.take(), []);
        board.look_at_disk(3 * SEC);
        board.look_at_disk(4 * SEC);
        assert_eq!(board.take(), [slow()]);
        assert!(board.problems()[0].contains("more than 2.00 s"));
        board.write_ended(9 * SEC, Ok(()));
        assert_eq!(board.take(), [], "it was slow, and that is known");
        assert_eq!(board.write_time(), Some(Duration::from_secs(8)));
        board.write_begins(10 * SEC);
        board.write_ended(10 * SEC + 1, Ok(()));
        assert_eq!(board.take(), [Disturbance::DiskRecovered]);
    }

    #[test]
    fn listeners_that_need_not_accept_are_in_no_trouble() {
        let board = Board::default();
        let refused = || vec![("a".to_owned(), Knock::Refused("no".to_owned()))];
        board.knocked(refused());
        assert_eq!(board.take(), []);
        board.open(true);
        board.knocked(refused());
        assert_eq!(board.take().len(), 1);
        assert_eq!(board.problems(), ["the listener a accepts nothing: no"]);
    }

    #[test]
    fn no_more_is_kept_than_may_be() {
        let board = Board::default();
        for for_ns in 0..100 {
            board.put(Disturbance::Stalled { for_ns });
        }
        let kept = board.take();
        assert_eq!(kept.len(), FOUND_MAX);
        assert_eq!(kept[0], Disturbance::Stalled { for_ns: 36 });
    }
}
