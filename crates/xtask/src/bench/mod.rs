//! `cargo xtask bench …`: Ninefold beside its peers, in one run on one machine.
//!
//! A bench compares on this machine at this moment; it is no statement about another one. What the
//! machine was, and how busy with other things, stands in every report.

pub(crate) mod arguments;
pub(crate) mod availability;
pub(crate) mod behaviour;
pub(crate) mod classify;
mod driver;
pub(crate) mod gateway;
mod install;
mod machine;
pub(crate) mod page;
pub(crate) mod policies;
mod publish;
pub(crate) mod reload;
mod revision;
pub(crate) mod serf;
mod spread;
