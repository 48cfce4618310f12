//! The grammar of the file, as data: which keys a table has, and what their values look like.
//!
//! The names, meanings and limits of all keys are said here and nowhere else.

mod answers;
mod balance;
mod claim;
mod degrade;
mod health;
mod hedge;
mod isolate;
mod key;
mod listener;
mod root;
mod service;
mod shape;
mod slo;
mod source;
mod table;

pub(crate) use key::Key;
pub(crate) use root::FILE;
pub(crate) use service::ENDPOINTS_MAX;
pub(crate) use shape::Shape;
pub(crate) use source::ENDPOINTS_FILE;
pub(crate) use table::{Rule, Table};
