//! Counts what policies say.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ninefold::{Change, Event, Listener, PolicyKind};

/// Counts attempts and refusals, and prints changes of state.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    by_what: BTreeMap<String, u32>,
    breaker: Option<&'static str>,
}

impl Tally {
    /// What was counted since the last time.
    pub(crate) fn take(&self) -> String {
        let counts = std::mem::take(&mut self.counts().by_what);
        if counts.is_empty() {
            return "no policy did anything".to_owned();
        }
        let mut text = String::new();
        for (what, count) in counts {
            let comma = if text.is_empty() { "" } else { ", " };
            // A string takes whatever is written.
            if write!(text, "{comma}{what}: {count}").is_err() {
                break;
            }
        }
        text
    }

    /// The breaker's last known state.
    pub(crate) fn state(&self) -> Option<&'static str> {
        self.counts().breaker
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Tally {
    fn on_event(&self, event: &Event<'_>) {
        let what = match event.change {
            Change::Attempt(_) => format!("attempts of the {}", event.policy),
            Change::Rejected(why) => format!("refused by the {}", why.policy),
            Change::TimedOut(_) => "timed out".to_owned(),
            Change::State { from, to } => {
                println!("  {}: {from} -> {to}", event.policy);
                if event.policy == PolicyKind::CircuitBreaker {
                    self.counts().breaker = Some(to);
                }
                return;
            }
            _ => return,
        };
        *self.counts().by_what.entry(what).or_default() += 1;
    }
}
