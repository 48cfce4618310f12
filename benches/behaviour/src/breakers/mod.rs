//! Circuit breakers under one interface: ours and the peers'.
//!
//! | breaker | how it is driven |
//! |---|---|
//! | Ninefold's | called with the simulation's time |
//! | tower-resilience | its service, around calls that the simulation ends. It reads the machine's clock, so while it is open it waits for ever or not at all; everything else it does by counting |
//! | recloser | the same |
//! | seatbelt | its service, on its own virtual clock |
//! | failsafe | its futures, on its own virtual clock |

mod breaker;
mod failsafe;
mod ours;
mod recloser;
mod seatbelt;
mod tower_resilience;

pub(crate) use breaker::{Breaker, Calls, Ending, RealWait, with_all};
