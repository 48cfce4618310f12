//! What the machine asks for.

use std::time::Duration;

use ninefold_core::event::EventKind;
use ninefold_core::observation::Seen;

/// Something to do, in the order given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Write to the journal.
    Record(EventKind),
    /// Tell the detector.
    Observe(Seen),
    /// Start the process.
    Spawn,
    /// Have the requests in flight finished.
    Drain(Duration),
    /// Send this signal to the process's group.
    Signal(i32),
    /// Write down what the kernel says the process is doing.
    Describe(String),
    /// Kill the process's group.
    Kill,
    /// Forget the run: there is nothing to adopt.
    Forget,
}
