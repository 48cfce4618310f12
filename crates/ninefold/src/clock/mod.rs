//! Clocks, and timers for whatever waits.
//!
//! A policy asks a [`Now`] for the time, and only where the answer matters. What waits needs a
//! [`Time`], a clock that also wakes. Both are parameters, so that tests bring a [`VirtualTime`]
//! that jumps, and never sleep.
//!
//! | clock | wakes | steps | for |
//! |---|---|---|---|
//! | [`CoarseClock`] | no | one tick of the kernel, 1 to 10 ms | windows and waits of 100 ms and more: the default of breaker, bulkhead, throttler |
//! | [`PreciseClock`] | no | nanoseconds | latencies and rates: the default of limiters, shedder, deadline |
//! | `TokioTime` | yes | nanoseconds; timers of 1 ms | whatever waits, with the feature `tokio` |
//! | [`VirtualTime`] | yes | when told to | tests |
//!
//! All of them but [`VirtualTime`] tell one time, so a deadline that one of them gave means the same
//! to another. All that looks at one request should still use one clock: in tests, give the same
//! [`VirtualTime`] to every policy.
//!
//! On another runtime, implement [`Time`]: its clock, and a future that is ready at a time.
//!
//! ```
//! use std::time::Duration;
//! use ninefold::clock::{Now, VirtualTime};
//! use ninefold::retry::{Repeat, Retry, RetryConfig};
//!
//! let time = VirtualTime::new();
//! let (retry, began) = (Retry::on(time.clone(), RetryConfig::default())?, time.now());
//! let answer = time.block_on(retry.call(Repeat::Always, |_| async { Err::<(), _>("down") }));
//! assert!(answer.is_err() && time.now().since(began) <= Duration::from_millis(25 + 50));
//! # Ok::<(), ninefold::InvalidPolicy>(())
//! ```

mod coarse;
mod default_time;
#[cfg(any(feature = "tokio", not(target_os = "linux")))]
mod instant;
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
