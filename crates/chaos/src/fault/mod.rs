//! Faults: on whom they fall, how they are applied, and how it is shown that they happened.

mod choose;
mod inject;
mod kind;

pub(crate) use choose::{Candidates, schedule};
pub(crate) use inject::{Identity, Target, inject, prove};
pub(crate) use kind::FaultKind;
