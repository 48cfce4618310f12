//! Requests that stand for others: one for each bucket, or for each bad end, with its trace.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{SystemTime, UNIX_EPOCH};

use ninefold_core::time::{Timestamp, nanos};

use crate::trace_id::TraceId;

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exemplar {
    pub(crate) trace: TraceId,
    /// How long it took; nothing where only its end counts.
    pub(crate) took_ns: u64,
    /// By the clock on the wall.
    pub(crate) at: Timestamp,
}

/// The places of one thread, each for the newest request of its kind. One is replaced at most once
/// in a second of its thread: what is rare always gets in, and what is frequent costs a comparison.
#[derive(Debug)]
pub(crate) struct ExemplarCells<const N: usize> {
    /// By place, in which second of the thread it was replaced last; 0 before it ever was.
    seconds: [AtomicU32; N],
    /// By place; nothing at all before the first one. The thread never waits for a reader.
    kept: Mutex<Vec<Option<Exemplar>>>,
}

impl<const N: usize> Default for ExemplarCells<N> {
    fn default() -> Self {
        Self {
            seconds: [const { AtomicU32::new(0) }; N],
            kept: Mutex::default(),
        }
    }
}

impl<const N: usize> ExemplarCells<N> {
    /// A request belongs to this place, in this second of its thread.
    pub(crate) fn note(&self, place: usize, second: u32, trace: &TraceId, took_ns: u64) {
        if let Some(last) = self.seconds.get(place)
            && last.load(Relaxed) != second
            && self.replace(place, trace, took_ns)
        {
            last.store(second, Relaxed);
        }
    }

    /// Not while somebody reads; the next request will do.
    #[cold]
    fn replace(&self, place: usize, trace: &TraceId, took_ns: u64) -> bool {
        let mut kept = match self.kept.try_lock() {
            Ok(kept) => kept,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        if kept.is_empty() {
            kept.resize(N, None);
        }
        if let Some(kept) = kept.get_mut(place) {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            *kept = Some(Exemplar {
                trace: *trace,
                took_ns,
                at: Timestamp::from_nanos(nanos(since.unwrap_or_default())),
            });
        }
        true
    }

    /// What is kept, by place; nothing before the first one.
    pub(crate) fn kept(&self) -> Vec<Option<Exemplar>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(last: char) -> TraceId {
        let parent = format!("00-0af7651916cd43dd8448eb211c80319{last}-b7ad6b7169203331-01");
        TraceId::sampled(parent.as_bytes()).unwrap()
    }

    fn took(cells: &ExemplarCells<3>) -> Vec<Option<u64>> {
        let kept = cells.kept().into_iter();
        kept.map(|kept| Some(kept?.took_ns)).collect()
    }

    #[test]
    fn a_place_is_replaced_once_a_second_and_places_do_not_share() {
        let cells = ExemplarCells::<3>::default();
        assert_eq!(took(&cells), []);
        cells.note(1, 1, &trace('a'), 10);
        cells.note(1, 1, &trace('b'), 11);
        cells.note(2, 1, &trace('c'), 12);
        assert_eq!(took(&cells), [None, Some(10), Some(12)]);
        cells.note(1, 2, &trace('d'), 13);
        cells.note(3, 2, &trace('e'), 14);
        assert_eq!(took(&cells), [None, Some(13), Some(12)]);
        assert_eq!(cells.kept()[1].unwrap().trace, trace('d'));
        let second = |place: usize| cells.kept()[place].unwrap().at;
        assert!(second(1) >= second(2) && second(2) > Timestamp::from_secs(1_600_000_000));
    }

    #[test]
    fn who_comes_while_somebody_reads_does_not_wait_and_the_next_one_gets_in() {
        let cells = ExemplarCells::<3>::default();
        let reader = cells.kept.lock().unwrap();
        cells.note(0, 1, &trace('a'), 10);
        drop(reader);
        assert_eq!(took(&cells), []);
        cells.note(0, 1, &trace('b'), 11);
        assert_eq!(took(&cells), [Some(11), None, None]);
    }
}
