//! Listeners: binding, accepting, TLS, and the two protocols.

mod accept;
mod bind;
mod certificates;
mod client_authority;
mod connection;
mod sockets;

pub(crate) use accept::accept;
pub use bind::BindError;
pub(crate) use bind::{Bound, begin_to_listen, bind, inherit};
pub(crate) use certificates::Certificates;
pub(crate) use connection::HANDSHAKE_MAX;
pub use sockets::{ListenerSockets, Sockets};
