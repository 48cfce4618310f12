//! Faults: on whom they fall, how they are applied, and how it is shown that they happened.

mod choose;
mod inject;
mod kind;
mod node;
mod partition;

pub(crate) use choose::{Candidates, Group, schedule};
pub(crate) use inject::{Identity, Target, inject, prove};
pub(crate) use kind::{ERRORS_PERCENT, FaultKind, GRAY_MS};
pub(crate) use node::{NodeTarget, kill_nodes, prove_dead};
pub(crate) use partition::{Side, cut, dropped, table_of, undo_cut, why_not};
