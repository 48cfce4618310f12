//! Who belongs to the cluster: a state machine per node, [`Membership`], without clock, sockets or threads.
//!
//! # How a failure is found
//!
//! 1. Each member is observed by up to ten others, its neighbours on as many rings, at most half of them in one
//!    zone. Each asks every one and a half seconds, and the subject says in its answer when it wants to hear from whom, so the
//!    questions are spread evenly without clocks that agree: of a silent member the first is missed within 150 ms.
//! 2. How long an answer is waited for is decided by our [detector](crate::detector::Cantelli), per edge. After that
//!    the subject is asked again, directly and through up to three others, and so is told first that it is doubted.
//!    Who asks through another makes that one look as well, if it is an observer.
//! 3. Where no path has an answer, the observer accuses: it tells the subject and the other observers, with a challenge
//!    that a refutation must quote and the process it is meant for, and says how well the observer is. They look as
//!    well. Only where at least L of them accuse the subject everybody hears of it, since only then it matters to
//!    others; a refutation goes as far. One to whom most are silent accuses nobody, and takes back what it said.
//! 4. Whoever was accused and is there after all is accused the next time only after more questions: a node that
//!    stumbles all the time costs its observers a few words now and then. Where too much is lost of what a subject is
//!    asked, though it is there, that is an accusation of its own, which it cannot refute (Rapid). Those are
//!    decided together, without haste.
//! 5. From H observers on (9 of 10, 3 of 4), in two zones where there are two, a subject is to be convicted. But as
//!    long as another is between L and H nobody is, so a burst becomes one view change.
//! 6. Before that a node looks whether more than half of its own subjects answer it, or three fifths where they are a
//!    sample. And it passes three gates: a minority decides nothing, a zone where too much begins at once is frozen,
//!    and there is a limit a minute. What others have convicted passes them too.
//!
//! # What comes beside it
//!
//! News are passed on a few times by everybody (SWIM); what got lost is found by comparing a part of the ids with
//! somebody every second. The same way goes metadata, which each owner numbers (Scuttlebutt). All that is sent fits
//! into a budget of bytes a second, in which questions and answers come first.
//!
//! A process that comes back with an incarnation that is over is told, and goes on above it. One that lost everybody
//! asks its seeds and those it knew, and a few of those who are there ask those who are gone.
//!
//! **Boundary:** nothing here is secret or authentic: whoever drives it seals and opens packets. Views are not agreed
//! on by a consensus: all nodes come to the same one by the same rule, each in its own time. What must not be done
//! twice needs a lease.

mod broadcasts;
mod budget;
mod chunks;
mod config;
mod cut;
mod defence;
mod edge;
mod event;
mod gate;
mod health;
mod machine;
mod node;
mod ring;
mod rounds;
mod store;
mod strikes;
mod table;
#[cfg(test)]
mod tests;
mod view;
pub mod wire;

pub use config::Config;
pub use event::{MembershipEvent, Transmit};
pub use machine::{Counters, Membership, StateError};
pub use node::{LABEL_MAX, Node, NodeId, Path, Record, Status};
pub use ring::OBSERVERS_MAX;
pub use rounds::Look;
pub use store::{ENTRIES_MAX, SetError};
pub use view::View;
