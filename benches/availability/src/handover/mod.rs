//! Hand-overs under load: the program behind `cargo xtask bench reload`.
//!
//! Ninefold stands before three replicas, and an open loop of requests goes through it: GET and POST
//! on kept connections, and GET on a connection of its own. Meanwhile its file changes and is
//! reloaded, again and again, and then its process is replaced, again and again. No client repeats
//! what it has sent, so every request that is lost shows.

mod load;
mod node;
mod run;

pub(crate) use run::run;
