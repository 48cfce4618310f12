//! Ask a second one when the first is slow.
//!
//! When that is, why, when not to, and the knobs are in [`policy::hedge`](crate::policy::hedge); this is
//! the part that waits and races. A [`Hedge`] shares a [`RetryBudget`](crate::RetryBudget) with whatever else repeats calls of the same
//! dependency, so that hedges cannot make an overload worse.
//!
//! ```
//! use std::time::Duration;
//! use ninefold::clock::{Now, Time, VirtualTime};
//! use ninefold::hedge::{Hedge, HedgeConfig};
//! use ninefold::retry::Repeat;
//!
//! let time = VirtualTime::new();
//! let hedge = Hedge::on(time.clone(), HedgeConfig::default())?;
//! for n in 0..200u64 {
//!     // One call in a hundred hangs; once enough is known it is asked for again.
//!     let answer = time.block_on(hedge.call(Repeat::Always, |attempt| {
//!         let hangs = n % 100 == 99 && attempt == 0;
//!         let wait = Duration::from_millis(if hangs { 5_000 } else { 10 });
//!         let sleep = time.sleep_until(time.now() + wait);
//!         async move { sleep.await; Ok::<_, ()>(wait.as_millis()) }
//!     }));
//!     assert_eq!(answer, Ok(if n == 99 { 5_000 } else { 10 }));
//! }
//! # Ok::<(), ninefold::InvalidPolicy>(())
//! ```
//!
//! # Who wins
//!
//! The first attempt that succeeds; the others are dropped, which cancels them. An attempt that
//! fails does not win while another lives (failsafe-go#141), and does not start one: that is what a
//! retry is for.
//!
//! # How it composes
//!
//! Only what may be repeated in any case ([`Repeat::Always`](crate::Repeat::Always)) is hedged.
//! Outside of breaker, limiters and time limit, which each attempt passes by itself. Within a
//! [`Retry`](crate::Retry), use [`Hedge::within`]: one budget, and first attempts are counted once.
//!
//! # What it emits
//!
//! `Attempt` for each hedge, and what the budget emits.
//!
//! # What it costs
//!
//! A call that is answered in time costs what [`policy::hedge`](crate::policy::hedge) says and a
//! timer; a hedge is allocated.

mod race;
mod run;
#[cfg(test)]
mod tests;
#[cfg(feature = "tower")]
mod tower;

pub use ninefold_core::policy::{HedgeConfig, HedgePolicy};

pub use self::run::Hedge;
#[cfg(feature = "tower")]
pub use self::tower::{HedgeFuture, HedgeLayer, HedgeService};
