//! What a breaker knows, for the one that takes its place.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::circuit_breaker::CircuitBreaker;
use super::state::State;
use crate::policy::Now;
use crate::time::nanos;

/// The state of a breaker, without a clock. A closed one remembers no calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum BreakerMemento {
    /// Calls pass.
    Closed,
    /// Calls are refused for a while. One that is half open is open with nothing left: what became of
    /// its trials is not known elsewhere, so the next calls are trials again.
    Open {
        /// For so long.
        left: Duration,
        /// How often in a row its trials failed, which makes the next wait longer.
        reopened: u32,
    },
    /// Calls are refused until a lever is pulled.
    ForcedOpen,
    /// Calls pass and nothing is counted, until a lever is pulled.
    Disabled,
    /// Calls pass and are counted, until a lever is pulled.
    MetricsOnly,
}

impl CircuitBreaker {
    /// What another one has to know to go on in its place.
    #[must_use]
    pub fn memento(&self, now: impl Now) -> BreakerMemento {
        let now = now.now();
        let held = self.control();
        let left = match self.hot.word().state() {
            State::Closed => return BreakerMemento::Closed,
            State::ForcedOpen => return BreakerMemento::ForcedOpen,
            State::Disabled => return BreakerMemento::Disabled,
            State::MetricsOnly => return BreakerMemento::MetricsOnly,
            State::Open => self.hot.open_left(now),
            State::HalfOpen => Duration::ZERO,
        };
        BreakerMemento::Open {
            left,
            reopened: u32::try_from(held.reopened()).unwrap_or(0),
        }
    }

    /// Goes on from what another one knew, whatever it was itself. It stays open no longer than its own
    /// configuration allows. Nobody is told: the change of state was told when it happened.
    pub fn restore(&self, memento: &BreakerMemento, now: impl Now) {
        let to = match memento {
            BreakerMemento::Closed => State::Closed,
            BreakerMemento::Open { .. } => State::Open,
            BreakerMemento::ForcedOpen => State::ForcedOpen,
            BreakerMemento::Disabled => State::Disabled,
            BreakerMemento::MetricsOnly => State::MetricsOnly,
        };
        let now = now.now();
        let mut held = self.control();
        if let BreakerMemento::Open { left, reopened } = *memento {
            let wait = held.resume(left, reopened);
            self.hot.begin_open(now, nanos(wait));
        }
        self.publish(self.hot.word().next(to));
    }
}
