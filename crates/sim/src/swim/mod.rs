//! A peer to compare with: SWIM with Lifeguard.
//!
//! Written from the papers: Das, Gupta and Motivala, "SWIM: Scalable Weakly-consistent Infection-style Process
//! Group Membership Protocol" (2002), and Dadgar, Phillips and Currey, "Lifeguard: Local Health Awareness for
//! More Accurate Failure Detection" (2018), with the settings that memberlist has for a LAN: probes, suspicion
//! that confirmations shorten, local health, nacks, telling the suspect first, piggybacking, gossip beside it,
//! and a full exchange with one member now and then.
//!
//! Two things differ, both to its advantage. Messages are smaller than memberlist's, which have names and
//! addresses. And a full exchange takes packets instead of a connection.

mod awareness;
mod broadcasts;
mod config;
mod message;
mod node;
mod probe;
mod records;
mod suspicion;
mod verdict;

pub use config::Config;
pub use node::Swim;
