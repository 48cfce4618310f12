//! congestion-limiter, itself, on tokio's paused clock.

use std::collections::BTreeMap;

use congestion_limiter::limiter::{DefaultLimiter, Limiter, Outcome, Token};
use congestion_limiter::limits::LimitAlgorithm;
use ninefold_core::policy::RequestMeta;
use ninefold_core::time::Timestamp;

use super::{Gate, Verdict};
use crate::sim::VirtualTokio;

/// The limiter and the tokens of those inside.
pub(crate) struct Congestion<L> {
    tokio: VirtualTokio,
    limiter: DefaultLimiter<L>,
    running: BTreeMap<usize, Token>,
}

impl<L: LimitAlgorithm> Congestion<L> {
    /// With one of its algorithms.
    pub(crate) fn new(algorithm: L) -> Self {
        Self {
            tokio: VirtualTokio::default(),
            limiter: DefaultLimiter::new(algorithm),
            running: BTreeMap::new(),
        }
    }
}

impl<L> Gate for Congestion<L>
where
    DefaultLimiter<L>: Limiter,
{
    fn arrives(&mut self, id: usize, _: &RequestMeta, now: Timestamp, out: &mut Vec<Verdict>) {
        match self.tokio.at(now, self.limiter.try_acquire()) {
            Some(token) => {
                self.running.insert(id, token);
                out.push(Verdict::Starts(id));
            }
            None => out.push(Verdict::Refused(id)),
        }
    }

    fn ends(&mut self, id: usize, late: bool, now: Timestamp, _: &mut Vec<Verdict>) {
        let outcome = if late {
            Outcome::Overload
        } else {
            Outcome::Success
        };
        if let Some(token) = self.running.remove(&id) {
            self.tokio
                .at(now, self.limiter.release(token, Some(outcome)));
        }
    }
}
