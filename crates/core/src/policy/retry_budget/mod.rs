//! How much may be tried again: one budget for retries, hedges and requeues.
//!
//! Without a limit repetitions multiply load exactly when a service can bear it least: three
//! attempts a call at each of three layers make 27 calls of one. Limits per call cannot prevent
//! that, a limit on the *share* of repetitions can.
//!
//! # How it works
//!
//! Every first attempt [deposits](RetryBudget::deposit) and every further one
//! [withdraws](RetryBudget::withdraw). A withdrawal is granted while those of the last ten seconds
//! stay within
//!
//! ```text
//! withdrawals <= max(ratio × deposits, floor × 10 s)
//! ```
//!
//! much as in Finagle's `RetryBudget`, tower's `Budget` and the SRE book's chapter 22. The floor lets
//! clients with little traffic try again at all. Those two add it to the share; here it gives way,
//! so that in an outage attempts stay within `1 + ratio` times the calls wherever there is traffic.
//!
//! What failed so far may be tried again at once, as when a replica dies: up to the share of ten
//! seconds. From the first refusal until ten seconds after the last one, as all through an outage,
//! the share also bounds each second by itself: in it, no more than `ratio` times the deposits of
//! that second or of an average one. Otherwise each new window would begin with as much again at once.
//! So the attempts of an outage stay within `1 + ratio` times the calls in every second but the first,
//! where no floor says otherwise.
//!
//! A repetition is counted when it is *scheduled*, before its wait: counted when sent, a whole
//! second of failures would be promised a retry each before the first is counted (Polly#2348,
//! envoy#30205). What was withdrawn for an attempt that is then given up is not paid back.
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `ratio` | `10%` | repetitions for each first attempt of the last 10 s; 100 % at most makes 2 calls of one |
//! | `floor` | `10/s` | repetitions where the share allows fewer, so below 100 calls a second; divide it by the number of clients of one service |
//!
//! # How to share it
//!
//! One budget stands for one *dependency*. Put one in an `Arc` and give it to the retry, the hedge
//! and the queue that call the same service: each on its own would grant 20 %, together 60 %.
//!
//! ```
//! use std::sync::Arc;
//! use ninefold_core::policy::{RetryBudget, RetryBudgetConfig};
//! use ninefold_core::time::Timestamp;
//! use ninefold_core::units::{Rate, Ratio};
//!
//! let budget = Arc::new(RetryBudget::new(RetryBudgetConfig {
//!     ratio: Ratio::percent(20),
//!     floor: Rate::per_second(0),
//! })?);
//! let now = Timestamp::from_secs(100);
//! for _call in 0..10 {
//!     budget.deposit(now);
//! }
//! let granted = (0..10).filter(|_| budget.withdraw(now).is_ok()).count();
//! assert_eq!(granted, 2);
//! # Ok::<(), ninefold_core::policy::InvalidPolicy>(())
//! ```
//!
//! # When not to use it
//!
//! For work that must be done in the end, such as a delivery from a durable queue: there a
//! repetition that is refused is only late, and a back-off with a cap is the right brake.
//!
//! # What it emits and costs
//!
//! `Rejected` with [`BudgetExhausted`](super::Reason::BudgetExhausted). A deposit is one
//! atomic addition; each 16th reads the clock and counts them in their second, and so does whoever
//! asks, so up to 15 deposits may count as a little younger than they are. A withdrawal reads some
//! twenty words and ends in one compare-and-swap, so no two threads ever get the last repetition.

mod budget;
mod config;
mod memento;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;

pub use budget::{BudgetState, RetryBudget};
pub use config::RetryBudgetConfig;
pub use memento::BudgetMemento;
