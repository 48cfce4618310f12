//! The admin API: JSON, metrics and the status page, on the unix socket and on loopback.
//!
//! **Invariant:** the loopback address only reads. Levers (stop, faults) are on the unix socket,
//! which only the node's own user may open. Requests on loopback must name a loopback host, so that
//! a page in somebody's browser cannot reach in through a rebound name.

mod errors;
mod handlers;
mod html;
pub mod openapi;
mod serve;
mod table;
mod text;

pub use table::Table;
pub use text::{duration, members, page, percent};

pub(crate) use handlers::EventsQuery;
pub(crate) use serve::{AdminListeners, bind, names_loopback, serve};
