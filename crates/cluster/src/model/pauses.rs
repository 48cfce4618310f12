//! Times in which something is otherwise, one after the other.

use ninefold_core::rng::Rng;

use super::draw::exponential;

/// From when until when, in milliseconds, of the one that is now or comes next.
#[derive(Clone, Debug)]
pub(super) struct Pauses {
    rng: Rng,
    apart: f64,
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Pauses {
    /// The first one; `length` draws how long it is.
    pub(super) fn new(mut rng: Rng, apart: f64, length: impl Fn(&mut Rng) -> f64) -> Self {
        let from = exponential(&mut rng, apart);
        let to = from + length(&mut rng);
        Self {
            rng,
            apart,
            from,
            to,
        }
    }

    /// Goes on to the one after.
    pub(super) fn turn(&mut self, length: impl Fn(&mut Rng) -> f64) {
        self.from = self.to + exponential(&mut self.rng, self.apart);
        self.to = self.from + length(&mut self.rng);
    }

    /// Whether `at` is within one, once those that are over were left behind.
    pub(super) fn contain(&mut self, at: f64, length: impl Fn(&mut Rng) -> f64) -> bool {
        while self.to <= at {
            self.turn(&length);
        }
        self.from <= at
    }
}
