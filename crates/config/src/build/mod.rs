//! The second stage: from tables to the model.
//!
//! **Invariant:** nothing is reported here. What the grammar refused becomes a default or a
//! placeholder, and the file is not given out.

mod answers;
mod built;
mod claim;
mod degrade;
mod health;
mod isolate;
mod listener;
mod resolve;
mod root;
mod service;
mod slo;
mod view;

pub(crate) use built::Built;
pub(crate) use resolve::{Unresolved, resolve_route};
pub(crate) use root::file;
pub(crate) use service::listed;
