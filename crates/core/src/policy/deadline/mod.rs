//! No work for an answer that nobody waits for.
//!
//! # What it is for
//!
//! A caller that has given up is the worst customer: its call costs as much as any other, and its
//! retry is already on the way. So each call carries the time at which its caller stops waiting, and
//! every server on the way refuses what has no time left (SRE book, chapter 22, "Latency and
//! Deadlines"; gRPC's deadlines; Finagle's deadline filter).
//!
//! # When not to use it
//!
//! It stops nothing that is under way; that is the time limiter's work. Work that must be done
//! whether or not somebody waits, such as draining a queue of jobs, has no deadline.
//!
//! # How it works
//!
//! A deadline is a point in time on this machine's monotonic clock, in
//! [`RequestMeta::deadline`](super::RequestMeta::deadline). Between machines it travels as the time
//! that is *left*, so their clocks need not agree: [`TimeLeft`] in `x-deadline-ms`, and
//! [`GrpcTimeout`] in `grpc-timeout`. What the message needs on the way is lost, and both round down:
//! the callee never believes in more time than there is by more than the journey.
//!
//! The deadline that holds is the caller's, but at most `max_timeout` from now, or `default_timeout`
//! from now where the caller has none ([`Deadline::of`]). A pipeline hands it on to the policies
//! within ([`Admission::within`](super::Admission::within)).
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `min_useful` | `0s` | a call with this much left, or less, is refused; what the fastest useful answer takes |
//! | `default_timeout` | none | for calls without a deadline |
//! | `max_timeout` | none | the longest that anybody may ask for; at least `default_timeout` |
//!
//! # How it composes
//!
//! Outermost, at a client and at a server, so that everything within shares one deadline: retries and
//! hedges, the waiting room, the time limit of an attempt.
//!
//! # What it emits
//!
//! `Rejected` with `deadline_exceeded`, which is for good: nobody waits for another attempt either.
//!
//! # What it costs
//!
//! One look at the clock for a call with a deadline, and one where a timeout is set; nothing
//! otherwise.
//!
//! ```
//! use std::time::Duration;
//! use ninefold_core::policy::deadline::TimeLeft;
//! use ninefold_core::policy::{Admission, Deadline, RequestMeta};
//! use ninefold_core::time::Timestamp;
//!
//! let now = Timestamp::from_secs(10);
//! let left: TimeLeft = "250".parse()?;
//! let call = RequestMeta { deadline: Some(now + left.0), ..RequestMeta::default() };
//! let deadline = Deadline::default();
//! assert!(deadline.try_acquire(&call, now).is_ok());
//! assert!(deadline.try_acquire(&call, now + Duration::from_millis(250)).is_err());
//! // On to the next server, 40 ms later.
//! let left = Deadline::remaining(&call, now + Duration::from_millis(40)).unwrap();
//! assert_eq!(TimeLeft(left).to_string(), "210");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod header;
mod state;

pub use config::DeadlineConfig;
pub use header::{
    GRPC_TIMEOUT_HEADER, GrpcTimeout, ParseTimeLeftError, TIME_LEFT_HEADER, TimeLeft,
};
pub use state::Deadline;
