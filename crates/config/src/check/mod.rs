//! The third stage: what no key shows alone.
//!
//! Every check is a function from the built file to findings. A finding names the keys that it
//! follows from; where one of them is broken already, it is dropped, so that one mistake does not
//! make ten messages.

mod address;
mod answers;
mod balance;
mod claim;
mod claim_answers;
mod claim_fault;
mod claim_load;
mod claim_nodes;
mod degrade;
mod health;
mod hedge;
mod isolate;
mod listener;
mod locality;
mod overload;
mod path;
mod place;
mod placeholder;
mod protocol;
mod redundancy;
mod run;
mod service;
mod slo;
mod timeout;

pub(crate) use path::paths;
pub(crate) use run::file;
