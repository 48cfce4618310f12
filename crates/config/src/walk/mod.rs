//! The first stage: a table against the grammar.

mod meant;
mod nearest;
mod unit;
mod value;
mod walker;

pub use nearest::nearest;
pub(crate) use value::integer;
pub(crate) use walker::Walker;
