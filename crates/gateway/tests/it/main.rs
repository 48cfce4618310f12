//! The gateway over real sockets on loopback.

mod accounting;
mod backend;
mod failures;
mod limits;
mod protocols;
mod proxying;
mod rig;
mod smuggling;
