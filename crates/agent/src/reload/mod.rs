//! Going on by another file, without a lost request.
//!
//! The file is read, checked and compared with the present one. What is added is started; a second
//! gateway gets the listening sockets ([`ninefold_gateway::Succession`]) and is tried with its first
//! thread; if it fails more than the present one does, everything is as before. Else it takes over,
//! and what is changed and removed follows: the supervisor is replaced by one that follows the new
//! file, which adopts, starts, stops and replaces as one does after the death of Ninefold. A reload
//! that touches no service leaves the supervisor alone.
//!
//! **Invariant:** one reload at a time; the next one waits until the gateway before the last is gone.

mod fingerprint;
mod report;
mod run;
mod services;
mod watch;

pub use fingerprint::fingerprint;
pub use report::{ReloadOutcome, ReloadReport, ReloadRequest, Watched};
pub(crate) use run::{CLOSE_LOOK, CLOSE_MAX, IDLE_MAX, ReloadError, TURN_MAX, reload};
