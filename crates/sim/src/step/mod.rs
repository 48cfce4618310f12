//! What a scenario does: faults, and their ends.

mod apply;
mod kind;
mod parse;
mod select;

pub use kind::Step;
pub use parse::ParseError;
pub(crate) use parse::duration;
pub use select::Select;
pub(crate) use select::below;
