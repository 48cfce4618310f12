//! Clocks, and timers for whatever waits.
//!
//! A policy asks a [`Now`] for the time, and only where the answer matters. What waits needs a
//! [`Time`], a clock that also wakes. Both are parameters, so that tests bring a [`VirtualTime`]
//! that jumps, and never sleep.

mod coarse;
mod default_time;
mod precise;
mod time;
#[cfg(feature = "tokio")]
mod tokio;
mod virtual_time;

pub use ninefold_core::policy::Now;

pub use self::coarse::CoarseClock;
pub use self::default_time::DefaultTime;
pub use self::precise::PreciseClock;
pub use self::time::Time;
#[cfg(feature = "tokio")]
pub use self::tokio::TokioTime;
pub use self::virtual_time::{VirtualSleep, VirtualTime};
