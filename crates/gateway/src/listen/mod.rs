//! Listeners: binding, accepting, TLS, and the two protocols.

mod accept;
mod acceptor;
mod bind;
mod certificates;
mod client_authority;
mod connection;
mod socket_file;
mod sockets;

pub(crate) use accept::accept;
pub(crate) use acceptor::Acceptor;
pub use bind::BindError;
pub(crate) use bind::{Bound, begin_to_listen, bind, inherit};
pub(crate) use certificates::Certificates;
pub(crate) use connection::HANDSHAKE_MAX;
pub use sockets::{ListenerSockets, Sockets};
