//! The bounded queue between the readers of a service's output and the writer of its log.
//!
//! The disk may be slow or full; the service must never notice. So a reader never waits for room:
//! what does not fit is dropped and counted, and the log says how much is missing where.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes that wait for the disk at most.
const QUEUE_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    dropped: u64,
    readers: u32,
}

/// What the writer takes at once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Bytes dropped before these lines.
    pub(crate) dropped: u64,
    /// The lines, joined.
    pub(crate) bytes: Vec<u8>,
}

/// The queue. Readers announce themselves before the writer starts.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

impl Queue {
    /// With `readers` readers that each call [`Queue::close`] once.
    pub(crate) fn new(readers: u32) -> Self {
        Self {
            state: Mutex::new(State {
                readers,
                ..State::default()
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line, or counts it as dropped.
    pub(crate) fn push(&self, line: Vec<u8>) {
        let mut state = self.lock();
        if state.bytes + line.len() > QUEUE_BYTES_MAX {
            state.dropped += line.len() as u64;
        } else {
            state.bytes += line.len();
            state.lines.push_back(line);
            self.changed.notify_one();
        }
    }

    /// A reader is done.
    pub(crate) fn close(&self) {
        self.lock().readers -= 1;
        self.changed.notify_one();
    }

    /// Waits for lines; nothing once all readers are done and all lines taken. Whole lines, up to
    /// `limit` bytes or one line.
    pub(crate) fn take(&self, limit: usize) -> Option<Batch> {
        let mut state = self
            .changed
            .wait_while(self.lock(), |state| {
                state.lines.is_empty() && state.readers > 0
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.lines.is_empty() && state.dropped == 0 {
            return None;
        }
        let mut batch = Batch {
            dropped: std::mem::take(&mut state.dropped),
            bytes: Vec::new(),
        };
        while let Some(line) = state.lines.front() {
            if !batch.bytes.is_empty() && batch.bytes.len() + line.len() > limit {
                break;
            }
            state.bytes -= line.len();
            if let Some(line) = state.lines.pop_front() {
                batch.bytes.extend_from_slice(&line);
            }
        }
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_and_counts_what_does_not_fit() {
        let queue = Queue::new(1);
        let line = vec![b'x'; QUEUE_BYTES_MAX / 4];
        for _ in 0..6 {
            queue.push(line.clone());
        }
        let batch = queue.take(usize::MAX).unwrap();
        assert_eq!(batch.bytes.len(), QUEUE_BYTES_MAX);
        assert_eq!(batch.dropped, 2 * line.len() as u64);
        queue.push(b"after\n".to_vec());
        queue.close();
        assert_eq!(queue.take(10).unwrap().bytes, b"after\n");
        assert_eq!(queue.take(10), None);
    }

    #[test]
    fn takes_whole_lines_up_to_the_limit() {
        let queue = Queue::new(1);
        queue.push(b"one\n".to_vec());
        queue.push(b"two\n".to_vec());
        queue.push(b"a line over the limit\n".to_vec());
        queue.close();
        assert_eq!(queue.take(8).unwrap().bytes, b"one\ntwo\n");
        assert_eq!(queue.take(8).unwrap().bytes, b"a line over the limit\n");
    }
}
