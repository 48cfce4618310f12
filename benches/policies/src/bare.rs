//! The service that all policies guard.

use std::error::Error;
use std::fmt;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use ninefold::{Rejected, TimedOut};
use tower::Service;

/// The request of every measured call.
pub const REQUEST: u64 = 1;
/// The request that the service answers with an error, to trip breakers.
pub const FAILING: u64 = 0;

/// How the service fails, or is said to have failed by a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// By itself.
    Failed,
    /// A policy refused.
    Refused,
    /// A policy gave up.
    TimedOut,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
        })
    }
}

impl Error for Fault {}

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self::Refused
    }
}

impl From<TimedOut> for Fault {
    fn from(_: TimedOut) -> Self {
        Self::TimedOut
    }
}

/// The service as a function.
#[inline]
pub fn answer(request: u64) -> Result<u64, Fault> {
    if request == FAILING {
        Err(Fault::Failed)
    } else {
        Ok(request)
    }
}

/// The service as an asynchronous function.
#[inline]
pub fn call(request: u64) -> Ready<Result<u64, Fault>> {
    ready(answer(request))
}

/// The service as tower's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bare;

impl Service<u64> for Bare {
    type Response = u64;
    type Error = Fault;
    type Future = Ready<Result<u64, Fault>>;

    #[inline]
    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: u64) -> Self::Future {
        call(request)
    }
}
