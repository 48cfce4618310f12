//! The system under test, with a bound on every call.

use std::time::Duration;

use ninefold_core::event::{FaultNotice, Incident};
use ninefold_core::status::NodeStatus;

use crate::ledger::Ledger;
use crate::process::Process;
use crate::verify::VerifyOptions;
use crate::{System, SystemError};

/// One call at most.
const CALL_LIMIT: Duration = Duration::from_secs(5);

/// What does not change over a run.
#[derive(Debug)]
pub(crate) struct Bench<'a, S> {
    pub(crate) options: &'a VerifyOptions,
    pub(crate) system: &'a S,
    pub(crate) ledger: Ledger,
    pub(crate) owner: Process,
    /// Unique per run: begins the ids of faults and requests.
    pub(crate) run: String,
}

impl<S: System> Bench<'_, S> {
    pub(crate) async fn status(&self) -> Result<NodeStatus, SystemError> {
        bounded(self.system.status()).await
    }

    pub(crate) async fn incidents(&self) -> Result<Vec<Incident>, SystemError> {
        bounded(self.system.incidents()).await
    }

    pub(crate) async fn announce(&self, notice: &FaultNotice) -> Result<(), SystemError> {
        bounded(self.system.announce(notice)).await
    }

    pub(crate) async fn end_fault(&self, id: &str, how: &str) -> Result<(), SystemError> {
        bounded(self.system.end_fault(id, how)).await
    }
}

async fn bounded<T>(call: impl Future<Output = Result<T, SystemError>>) -> Result<T, SystemError> {
    match tokio::time::timeout(CALL_LIMIT, call).await {
        Ok(end) => end,
        Err(_elapsed) => Err(SystemError(format!("no answer within {CALL_LIMIT:?}"))),
    }
}
