//! How good a detector is: the quality of service of Chen, Toueg and Aguilera (2002), measured on a trace.
//!
//! The sender of a trace lived all the time, so every suspicion is a mistake:
//!
//! | measure | meaning |
//! |---|---|
//! | detection time T_D | if the sender had crashed right after it sent this heartbeat: how long until it had been suspected for good. Of every heartbeat: mean, 99th percentile, longest |
//! | mistakes | suspicions that began |
//! | mistake recurrence T_MR | the mean time from the beginning of a mistake to that of the next: time observed for each mistake |
//! | mistake duration T_M | how long mistakes lasted: mean, longest |
//! | query accuracy P_A | the share of time in which there was no mistake |
//!
//! T_D is counted from the sending where both clocks can be compared, else from the arrival, which leaves out the
//! time on the way. Time in which the observer stood still is not observed: nobody could have asked.

mod meter;
mod report;

pub use meter::{Meter, Since};
pub use report::{Detection, Mistakes, Qos};
