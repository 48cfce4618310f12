//! The rules of the house that no other tool knows.
//!
//! A rule reads a [`Tree`] in memory and gives [`Finding`]s, so every rule is tested with inputs
//! that break it. `cargo xtask tidy`, `cargo xtask verify` and a test of this crate run all of them.

mod architecture;
mod ci;
mod code;
mod dependencies;
mod finding;
mod limits;
mod manifest;
mod pure;
mod roots;
mod rules;
mod size;
mod tree;
mod words;

pub(crate) use finding::Finding;
pub(crate) use rules::run;
pub(crate) use tree::Tree;
