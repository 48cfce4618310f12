//! Modelled traces: heartbeats of a sender that lives, drawn from distributions with figures that are written
//! here. They are not recordings, and reproduce none.
//!
//! | model | its figures are |
//! |---|---|
//! | WAN | those that Hayashibara et al. (SRDS'04) publish of a week between Japan and Switzerland: a heartbeat every 103.5 ms (σ 0.19), 814 bursts of losses in 5,845,713, the longest of 1,093, 0.4 % lost in all; round trips of 283 ms (σ 27, 270 to 718), of which one way is taken to be half |
//! | LAN | our choice: a quiet switch, rare single losses, rare pauses of the sender up to 200 ms |
//! | cloud | our choice: rough episodes with tens of milliseconds of delay, bursts of losses, pauses of the sender up to 800 ms, and stalls of the *observer* of 0.1 to 3 s, which the trace has rows for |
//!
//! Sending is a schedule with truncated normal jitter; what is due in a pause of the sender goes out at its end.
//! Delays are a floor and a lognormal variable, cut off at a greatest one; what was sent earlier arrives no
//! later. Losses have two states: a burst begins by chance and has a bounded Pareto length. What arrives while
//! the observer stands still is read within a millisecond of its end.

mod draw;
mod figures;
mod path;
mod pauses;

pub use figures::Model;
pub use path::Path;
