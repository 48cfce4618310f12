//! One try of one probe.

use std::io;
use std::time::Duration;

use ninefold_config::model::{Check, Probe};
use ninefold_core::address::Address;
use ninefold_core::observation::ProbeOutcome;
use tokio::time::{Instant, timeout_at};

use crate::disk::Spec;

use super::line::{self, Line};
use super::tls::Identity;
use super::{exec, http, http2};

/// What is probed.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Where it listens.
    pub(crate) address: Address,
    /// The environment of commands; none for an external endpoint.
    pub(crate) spec: Option<Spec>,
    /// The command of an exec probe, filled in.
    pub(crate) command: Vec<String>,
    /// How TLS is spoken with it, where it is.
    pub(crate) identity: Option<Identity>,
}

/// How one try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// For the detector.
    pub(crate) outcome: ProbeOutcome,
    /// Whether nothing was heard at all, be it of the connection or of the answer: a process that
    /// does this while it lives hangs.
    pub(crate) silent: bool,
    /// It passed, and said that it is degraded: in which way, if it said that.
    pub(crate) degraded: Option<String>,
}

impl Attempt {
    pub(crate) const fn passed() -> Self {
        Self::heard(ProbeOutcome::Passed)
    }

    pub(crate) const fn heard(outcome: ProbeOutcome) -> Self {
        Self {
            outcome,
            silent: false,
            degraded: None,
        }
    }

    pub(crate) const fn timed_out() -> Self {
        Self {
            outcome: ProbeOutcome::TimedOut,
            silent: true,
            degraded: None,
        }
    }
}

/// Tries `probe` once.
pub(crate) async fn attempt(probe: &Probe, target: &Target) -> Attempt {
    let limit = probe.timeout.0;
    let deadline = Instant::now() + limit;
    match &probe.check {
        Check::Tcp => match connect(&target.address, deadline, limit).await {
            Ok(_stream) => Attempt::passed(),
            Err(attempt) => attempt,
        },
        Check::Http { .. } | Check::Grpc { .. } => {
            match connect(&target.address, deadline, limit).await {
                Ok(stream) => timeout_at(deadline, ask(&probe.check, stream, target))
                    .await
                    .unwrap_or_else(|_elapsed| Attempt::timed_out()),
                Err(attempt) => attempt,
            }
        }
        Check::Exec { .. } => exec::run(target, limit).await,
    }
}

async fn ask(check: &Check, stream: Line, target: &Target) -> Attempt {
    let secured = match &target.identity {
        Some(identity) => identity.secure(&target.address, stream).await,
        None => Ok(stream),
    };
    let stream = match secured {
        Ok(stream) => stream,
        Err(error) => {
            let why = format!("no agreement on TLS: {}", short(&error));
            return Attempt::heard(ProbeOutcome::Unreachable(why));
        }
    };
    let authority = &target.address.authority();
    match check {
        Check::Http { path, http2: true } => http2::get(stream, authority, path).await,
        Check::Http { path, http2: false } => http::get(stream, authority, path).await,
        Check::Grpc { service } => http2::check(stream, authority, service).await,
        // Nothing is asked.
        Check::Tcp | Check::Exec { .. } => Attempt::passed(),
    }
}

async fn connect(address: &Address, deadline: Instant, limit: Duration) -> Result<Line, Attempt> {
    match timeout_at(deadline, line::connect(address)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(Attempt::heard(ProbeOutcome::Unreachable(short(&error)))),
        Err(_elapsed) => Err(Attempt {
            outcome: ProbeOutcome::Unreachable(format!("no connection within {limit:?}")),
            silent: true,
            degraded: None,
        }),
    }
}

/// What the system says, without Rust's addition of the number.
pub(crate) fn short(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text.get(..end).unwrap_or(&text).to_lowercase(),
        None => text,
    }
}
