//! The node in its cluster: gossips with the others, tells them what it runs, and knows what they run.
//!
//! [`gossip`] drives the membership core over a socket on a thread of its own, and leaves there, as a [`view`],
//! what it knows. [`announce`] is how an instance is told of to other nodes, [`peers`] what they told: endpoints for
//! this gateway, and what has become of them for this detector. [`edges`] is how a node observes others, and what it tells
//! of that; [`words`] what it tells of instances that it sees fail, [`about`] what it may share with others. [`streams`] is
//! the thread of its connections with other nodes: [`lifeline`]s that end here, and [`sync`], states of other nodes;
//! [`renewal`] is how its certificate is renewed, [`credentials`] what it shows; [`keys`] is how it comes by other keys of
//! gossip, [`sealing`] what it does with them.
//!
//! **Invariant:** what a node knows of others never starts, stops or moves a process.

mod about;
mod announce;
mod credentials;
mod edges;
mod gossip;
mod keys;
mod lifeline;
mod options;
mod peers;
mod renewal;
mod sealing;
mod streams;
mod sync;
#[cfg(test)]
mod tests;
mod view;
pub(crate) mod words;

pub(crate) use about::About;
pub(crate) use announce::{Announced, Announcer, EjectedHere, Exit};
pub(crate) use edges::{Edges, is_way_well};
pub(crate) use gossip::Gossip;
pub(crate) use keys::generation_of;
pub use options::ClusterOptions;
pub(crate) use peers::{Change, Peers};
pub(crate) use renewal::UNTIL_KEY;
pub(crate) use view::{MemberView, View};
