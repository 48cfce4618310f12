//! What policies tell whoever listens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Outcome, PolicyKind, Rejected};

/// Something happened in a policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event<'a> {
    /// Which policy.
    pub policy: PolicyKind,
    /// The name it was given.
    pub name: &'a str,
    /// What happened.
    pub change: Change,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// A call was refused.
    Rejected(Rejected),
    /// A call ended, after so long where the policy measures it.
    Settled(Outcome, Option<Duration>),
    /// A call was given up.
    Cancelled,
    /// A call was given up by the policy itself, after so long.
    TimedOut(Duration),
    /// The policy is in another state, named as in `style`: `closed`, `open`, `half_open`, …
    State {
        /// Before.
        from: &'static str,
        /// After.
        to: &'static str,
    },
    /// A number that the policy steers by has moved: a limit, a level, a share.
    Level {
        /// What it is, as in metrics.
        what: &'static str,
        /// Before.
        from: f64,
        /// After.
        to: f64,
    },
    /// An attempt beyond the first was scheduled: a retry or a hedge.
    Attempt(u32),
    /// An answer came from somewhere else: a cache, a fallback, another caller's call.
    Substituted(&'static str),
    /// Something was injected: `fault`, `latency` or `outcome`.
    Injected(&'static str),
}

/// Whoever wants to know, for logs, metrics or tests. Called in the call's own thread: be quick, do
/// not block, do not panic.
pub trait Listener: Send + Sync {
    /// Something happened.
    fn on_event(&self, event: &Event<'_>);
}

/// The name of a policy and who listens to it. Without a listener nothing is built.
#[derive(Clone, Default)]
pub struct Source {
    name: Arc<str>,
    listener: Option<Arc<dyn Listener>>,
}

impl Source {
    /// A source of events with a name, as it stands in metrics.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, listener: Arc<dyn Listener>) -> Self {
        Self {
            name: name.into(),
            listener: Some(listener),
        }
    }

    /// Tells the listener, if there is one; `change` is not run otherwise.
    #[inline]
    pub fn emit(&self, policy: PolicyKind, change: impl FnOnce() -> Change) {
        if let Some(listener) = &self.listener {
            listener.on_event(&Event {
                policy,
                name: &self.name,
                change: change(),
            });
        }
    }

    /// Whether anybody listens.
    #[inline]
    #[must_use]
    pub const fn is_heard(&self) -> bool {
        self.listener.is_some()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .field("heard", &self.is_heard())
            .finish()
    }
}
