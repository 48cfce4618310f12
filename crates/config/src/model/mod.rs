//! The typed model of a valid file. Every field has its meaning, unit, default and relations.
//!
//! **Invariant:** a [`File`] is only built by this crate's parser from a text without errors, or by
//! a test; whoever holds one need not check references or ranges again.

mod answers;
mod chaos;
mod claim;
mod degrade;
mod file;
mod hedge;
mod isolate;
mod listener;
mod name;
mod probe;
mod service;
mod slo;
mod source;

pub use answers::{Answers, COMPARED_MAX, Canary, KnownBody, Vote};
pub use chaos::Chaos;
pub use claim::{Claim, Load, LoadRequest, Survive};
pub use degrade::{Brownout, Cache, Fallback, FixedAnswer, FixedBody, Mirror, Split, Sticky};
pub use file::{AdminAddress, Cluster, File, Node};
pub use hedge::Hedge;
pub use isolate::{Breaker, Bulkhead, BulkheadKey};
pub use listener::{
    AccessLog, AccessLogFormat, LimitBy, Limits, Listener, Protocol, ProxyVersion, RateLimit,
    Retry, Route, TlsCertificate,
};
pub use name::{InvalidName, Name};
pub use ninefold_core::balance::WhenTooFew;
pub use ninefold_core::policy::Criticality;
pub use ninefold_core::units::{Bytes, InvalidUnit, Rate, Ratio, Span};
pub use probe::{Check, Health, Probe};
pub use service::{
    Balance, Ejection, Endpoint, External, HashBalance, HashKey, LatencyEjection, LocalFirst,
    Overload, PrequalBalance, Redundancy, Restart, Service, ServiceKind, ServiceProtocol,
    ServiceTls, Spread, Stop, SuccessEjection, Supervised,
};
pub use slo::{LatencyObjective, Slo};
pub use source::{Source, SourceKind};
