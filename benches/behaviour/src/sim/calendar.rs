//! What happens when.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use ninefold_core::time::Timestamp;

/// Events in the order of their time; those of one time in the order in which they were noted.
#[derive(Debug)]
pub(crate) struct Calendar<E> {
    events: BinaryHeap<Reverse<Entry<E>>>,
    noted: u64,
}

#[derive(Debug)]
struct Entry<E> {
    at: Timestamp,
    order: u64,
    event: E,
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl<E> Default for Calendar<E> {
    fn default() -> Self {
        Self {
            events: BinaryHeap::new(),
            noted: 0,
        }
    }
}

impl<E> Calendar<E> {
    /// Notes an event.
    pub(crate) fn note(&mut self, at: Timestamp, event: E) {
        self.noted += 1;
        self.events.push(Reverse(Entry {
            at,
            order: self.noted,
            event,
        }));
    }

    /// The next event.
    pub(crate) fn next(&mut self) -> Option<(Timestamp, E)> {
        self.events
            .pop()
            .map(|Reverse(entry)| (entry.at, entry.event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_and_then_by_order() {
        let mut calendar = Calendar::default();
        for (at, event) in [(2, "c"), (1, "a"), (2, "d"), (1, "b")] {
            calendar.note(Timestamp::from_secs(at), event);
        }
        let events: Vec<_> = std::iter::from_fn(|| calendar.next())
            .map(|(_, event)| event)
            .collect();
        assert_eq!(events, ["a", "b", "c", "d"]);
    }
}
