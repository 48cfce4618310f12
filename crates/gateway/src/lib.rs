//! The data plane: listeners, routing, attempts, accounting.
//!
//! Share-nothing threads, each with one `current_thread` runtime, its own sockets (SO_REUSEPORT),
//! connection pools and counters. **Invariant:** one thread serves a request from accept to
//! response. **Invariant:** the data plane serves with the last published endpoints, whatever the
//! control plane does or fails to do. Decisions (choice, ejection, budget) are those of
//! `ninefold-core`.
//!
//! A request's way: the client's stream (strict heads, times, sizes) → route → endpoint → attempts →
//! answer. Every request that becomes known to the gateway is counted in exactly one outcome.

mod access_log;
mod cache;
mod certificate;
mod checks;
mod choice;
mod clock;
mod collector;
mod counters;
mod downstream;
mod early;
mod exchange;
mod exemplars;
mod fallback;
mod fault;
mod fleet;
#[doc(hidden)]
pub mod fuzzing;
mod gateway;
mod gather;
mod guard;
pub mod http1;
mod isolation;
mod knock;
mod listen;
mod local;
mod merge;
mod meter;
mod mirror;
mod outbox;
mod overload;
mod peer;
mod places;
mod plan;
pub mod proxy_protocol;
mod rate_limit;
mod request_end;
mod room;
mod socket;
mod split;
mod start;
pub mod strict;
mod succession;
mod sums;
mod table;
mod tcp;
mod trace_id;
mod upstream;
mod worker;

pub use access_log::OpenLogError;
pub use cache::CacheResult;
pub use certificate::CertificateError;
pub use checks::Checked;
pub use counters::{
    BreakerCounters, BulkheadCounters, CacheCounters, Counters, DrainReport, EndpointCounters,
    ListenerCounters, Notice, PoolCounters, RouteCounters, ServiceCounters, SplitCounters,
    ZoneCounters,
};
pub use exemplars::Exemplars;
pub use fallback::{FallbackCause, FallbackError};
pub use fault::InjectError;
pub use fleet::{Cause, EndpointView, Memory, Recalled};
pub use gateway::Gateway;
pub use knock::Knocks;
pub use listen::{BindError, ListenerSockets, Sockets};
pub use meter::Histogram;
pub use mirror::Mirrored;
pub use request_end::RequestEnd;
pub use start::StartError;
pub use succession::{Compared, Succession};
