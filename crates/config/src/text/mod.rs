//! The syntax of texts within values: addresses, hosts, paths, signals.

mod address;
mod http;
mod route_name;
mod signal;
mod syntax;

pub(crate) use address::{admin, ports};
pub(crate) use route_name::route_name;
pub(crate) use signal::signal;
pub(crate) use syntax::{Syntax, mode, sha256};
