//! Findings: what is wrong where, and what to do about it.

mod draft;
mod key_path;
mod one;
mod position;
mod report;

pub(crate) use draft::{Draft, Spot};
pub(crate) use key_path::{KeyPath, Step};
pub use one::{Finding, Severity};
pub(crate) use position::Lines;
pub(crate) use report::Report;
