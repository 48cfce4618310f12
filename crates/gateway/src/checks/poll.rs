use std::cell::Cell;
use std::rc::Rc;

use crate::worker::Worker;

/// Votes under way on one thread at most.
const POLLS_MAX: u32 = 16;

/// Votes that one thread begins in a second at most; answers that are compared beyond that tell nothing
/// more, and cost.
const POLLS_PER_SECOND_MAX: u32 = 32;

/// The votes of one thread.
#[derive(Debug, Default)]
pub(crate) struct Polls {
    under_way: Cell<u32>,
    /// The thread's second, and how many began in it.
    begun: Cell<(u32, u32)>,
}

/// One vote under way, from before its first answer was read.
#[derive(Debug)]
pub(crate) struct Poll(Rc<Worker>);

impl Poll {
    /// Another one, unless there are too many.
    pub(super) fn begin(worker: &Rc<Worker>) -> Option<Self> {
        let polls = &worker.polls;
        let (second, begun) = polls.begun.get();
        let begun = if second == worker.second() { begun } else { 0 };
        if polls.under_way.get() >= POLLS_MAX || begun >= POLLS_PER_SECOND_MAX {
            return None;
        }
        polls.under_way.set(polls.under_way.get() + 1);
        polls.begun.set((worker.second(), begun + 1));
        Some(Self(Rc::clone(worker)))
    }

    pub(super) const fn worker(&self) -> &Rc<Worker> {
        &self.0
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        let polls = &self.0.polls;
        polls.under_way.set(polls.under_way.get().saturating_sub(1));
    }
}
