//! One instance: a pure machine that decides and a thin driver that does.
//!
//! ```text
//!            begin             spawned                 ready
//!   Idle ────────────► Spawning ───────► Up ◄──────────────────► (in routing)
//!                      ▲      │ failed   │ │ asked, or liveness failed
//!                      │      ▼          │ ▼
//!                     Waiting ◄── Gone ◄─┴─ Leaving: drain → signal → grace → kill
//!                                  │
//!                                  └───────► Stopped
//! ```

mod action;
mod degraded;
mod driver;
mod event;
mod external;
mod gates;
mod machine;
mod phase;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod script;
mod starter;
#[cfg(test)]
mod transcripts;
mod watch;

pub(crate) use driver::{Command, Driver};
pub(crate) use external::ExternalDriver;
