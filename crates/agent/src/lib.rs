//! One node: wires supervision, the gateway, detection and accounting together, and serves the
//! admin API.
//!
//! **Invariant:** the data plane runs on threads of its own. Nothing here is awaited by a request;
//! when this crate's tasks stand still, the gateway serves with the last view it was given.

pub mod admin;
mod begin;
mod client;
mod cluster;
mod control;
#[doc(hidden)]
pub mod fuzzing;
mod history;
mod left_behind;
mod locate;
mod lock;
mod node;
mod reload;
mod spy;
mod stand;
mod state;
mod takeover;
mod tolerance;

pub use client::{AdminClient, ClientError};
pub use cluster::ClusterOptions;
pub use history::History;
pub use left_behind::stop_left_behind;
pub use locate::{LocateError, Located, locate, locate_all};
pub use node::{HandOver, Node, NodeError, NodeOptions, StopReason};
pub use reload::{ReloadOutcome, ReloadReport, ReloadRequest, Watched, fingerprint};
pub use state::{NodeRecord, StateError, StateFolder, StateLock};
pub use takeover::{TakeError, Taker, UpgradeRequest};

pub use ninefold_chaos as chaos;
pub use ninefold_observe as observe;
pub use ninefold_supervise as supervise;
