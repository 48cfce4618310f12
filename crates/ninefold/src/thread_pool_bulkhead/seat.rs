//! A thread at work on a call.

use std::sync::Arc;

use ninefold_core::policy::{Change, Outcome};
use ninefold_core::time::Timestamp;

use super::pool::{KIND, Pool};

/// Counts one call as being worked on. It is given back before the caller learns the result, so
/// that a caller's next call finds the place free.
#[derive(Debug)]
pub(super) struct Seat {
    pool: Arc<Pool>,
    began: Option<Timestamp>,
    /// A call whose seat is dropped without having ended has panicked.
    outcome: Option<Outcome>,
}

impl Seat {
    pub(super) const fn new(pool: Arc<Pool>, began: Option<Timestamp>) -> Self {
        Self {
            pool,
            began,
            outcome: Some(Outcome::Failure),
        }
    }

    /// The work ended by itself.
    pub(super) fn settle(mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }

    /// The work was not begun after all.
    pub(super) fn leave(mut self) {
        self.outcome = None;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(outcome) = self.outcome {
            let took = self.began.map(|began| self.pool.now().since(began));
            self.pool
                .source
                .emit(KIND, || Change::Settled(outcome, took));
        }
        self.pool.lock().running -= 1;
    }
}
