//! `health`: the three probes.

use super::Span;

/// `health = { startup = …, ready = …, live = … }`.
///
/// Semantics are those of Kubernetes: until `startup` has passed once, the other two are not tried,
/// and its failure restarts; `ready` decides about traffic; `live` restarts. Without `ready` an
/// instance is ready once its startup probe passed, or, without that too, once its address accepts
/// a connection. An external endpoint is never restarted; without `ready` its address is probed
/// by TCP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// `startup`.
    pub startup: Option<Probe>,
    /// `ready`.
    pub ready: Option<Probe>,
    /// `live`.
    pub live: Option<Probe>,
}

/// One probe. In the file a text beginning with `/` is short for `{ http = "…" }`, `"tcp"` for a TCP probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// `http`, `grpc`, `tcp` or `exec`: exactly one.
    pub check: Check,
    /// `every`: from the start of one try to the start of the next, ±10 % of jitter. Default 1 s.
    /// While an instance is not ready yet, tries come faster (50 ms growing to `every`).
    pub every: Span,
    /// `timeout`: for one try; at most `every`. Default 1 s.
    pub timeout: Span,
    /// `failures`: in a row until the probe counts as failed. Default 3 (30 for `startup`).
    pub failures: u32,
    /// `successes`: in a row until it counts as passed again. Default 1.
    pub successes: u32,
}

impl Probe {
    /// A probe with the default times and counts.
    #[must_use]
    pub const fn new(check: Check) -> Self {
        Self {
            check,
            every: Span::secs(1),
            timeout: Span::secs(1),
            failures: 3,
            successes: 1,
        }
    }
}

/// What one try does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// GET this path on the instance's address; 200 to 399 passes, redirects are not followed.
    Http {
        /// The path.
        path: String,
        /// Whether the service speaks HTTP/2.
        http2: bool,
    },
    /// gRPC's own health check, in plain text (`grpc.health.v1.Health/Check`): SERVING passes.
    Grpc {
        /// `grpc`: of which service; empty (`true`) for the whole server.
        service: String,
    },
    /// Connect to the instance's address.
    Tcp,
    /// Run this command in the instance's environment; exit status 0 passes.
    Exec {
        /// Program and arguments, with the same placeholders as `run`.
        command: Vec<String>,
    },
}
