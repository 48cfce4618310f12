//! The control plane: takes what supervision, probes and the gateway report, has it judged, and
//! acts on routing.
//!
//! One [`Control`] behind a mutex, held only for short synchronous steps. Its rooms: [`routing`]
//! decides who takes traffic, [`deltas`] turns counters into what happened since, [`account`] feeds
//! detector, incidents and objectives, [`status`] assembles what is shown, [`faults`] keeps what is
//! injected on purpose, [`traces`] names requests that ended badly, [`recall`] goes on from what another
//! process knew, [`cluster`] shares with other nodes what each runs, [`quorum`] what each gateway holds against whom,
//! [`opinions`] weighs what all observers say.

mod account;
mod cluster;
mod core;
mod deltas;
mod faults;
mod handle;
mod opinions;
mod quarantine;
mod quorum;
mod recall;
mod routing;
mod run;
mod status;
mod traces;

pub(crate) use account::{judges, objectives, routes};
pub(crate) use cluster::Cluster;
pub(crate) use core::{Control, Parts, now};
pub(crate) use faults::Faults;
pub(crate) use handle::{Handle, Launch};
pub(crate) use run::run;
