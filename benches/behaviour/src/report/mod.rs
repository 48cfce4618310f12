//! What a scenario says: a table, a plot, and whether targets were met.

mod json;
mod markdown;
mod table;
mod target;
mod text;
mod value;

pub(crate) use json::json;
pub(crate) use markdown::markdown;
pub(crate) use table::{Column, How, Report, Row, Table};
pub(crate) use target::Target;
pub(crate) use text::text;
pub(crate) use value::Value;
