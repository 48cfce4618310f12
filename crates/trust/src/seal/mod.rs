//! Sealed gossip: packets that only members of the cluster can read or make, and that count once.
//!
//! # Against whom
//!
//! One who can read, hold back, repeat, change and invent packets on the network, and has no cluster key. He learns
//! who talks to whom, how much and when, and nothing of what is said. What he changes or invents is refused. What he
//! repeats is refused. What he holds back is delayed or lost, which the membership bears.
//!
//! Not against one who has a cluster key: every member may say anything, and in the name of any other. And a packet is
//! not bound to its receiver, so it can be played, once, to each other member: what is said to one member alone names
//! it inside (`Ping::target`), and gossip is for all.
//!
//! # How
//!
//! ```text
//! version 1 | key id 8 | sender 8 | salt 16 | sent ms 8 | counter 8 | sealed … | tag 16
//! ```
//!
//! The head is open and authentic. A process draws a salt, 16 random bytes, when it starts. The key of its packets is
//! HKDF-SHA256 (RFC 5869) of the cluster key, with that salt, for that sender; its nonce is the counter. So no nonce
//! comes twice under one key, restarts included, and nothing has to be kept on disk for it. The cipher is
//! ChaCha20-Poly1305 (RFC 8439).
//!
//! # Why a packet counts once
//!
//! Of each sender, one process is current, known by its salt, and the one before it is remembered beside it. Within
//! those two a window of 1,024 counters tells what was there already, and what is older than the window is refused.
//! A salt that is not known is a process that started, or one that was forgotten, or an old one that is repeated. It
//! is taken for a new one only if its packet was sent within a minute of our clock, and later than anything its sender
//! was heard to send before. So of an old process nothing is accepted again while its sender is remembered; and a
//! sender is forgotten only when all that it ever sent is older than that minute, so afterwards nothing is either.
//!
//! Whoever restarts has forgotten everything. It accepts nothing that was sent before it began, but for two seconds in
//! which clocks may differ: only what was sent in those can be played to it again, and once.
//!
//! So clocks matter where processes meet for the first time, and a packet from more than a minute ahead is refused
//! always. A member whose clock is off by more than that is not heard by those who do not know it yet, which
//! [`Counters::stale`] counts. A clock that is set back does not matter to those who talk already. But a process that
//! began with a clock far ahead stays there when the clock is set right, and is to be restarted.
//!
//! # Rotation
//!
//! A new key is first [added](KeyRing::add) everywhere, which opens with it; then [made
//! primary](KeyRing::make_primary), which seals with it; then the old one is [removed](KeyRing::remove). No packet is
//! lost between. How a ring gets to all members is in [`crate::rotation`].

mod error;
mod header;
mod key;
mod ring;
mod sealer;
mod senders;
#[cfg(test)]
mod tests;
mod window;

pub use error::{Counters, OpenError, SealError};
pub use header::OVERHEAD;
pub use key::{GossipKey, KeyId};
pub use ring::{KEYS_MAX, KeyRing, RingError};
pub use sealer::{Opened, PLAIN_MAX, Sealer};
pub use senders::SENDERS_MAX;
