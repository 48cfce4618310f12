//! What `verify` needs of the running system.

use std::future::Future;

use ninefold_core::event::{Event, FaultNotice, Incident};
use ninefold_core::status::NodeStatus;

/// The running system, seen from outside. The agent implements it over the admin API.
///
/// Every call is bounded by the caller; an implementation need not have timeouts of its own, and
/// must not leave anything half done when its future is dropped.
pub trait System: Send + Sync {
    /// The whole node at this moment.
    fn status(&self) -> impl Future<Output = Result<NodeStatus, SystemError>> + Send;

    /// The incidents it knows, open and closed, those of the last minutes at least.
    fn incidents(&self) -> impl Future<Output = Result<Vec<Incident>, SystemError>> + Send;

    /// What its journal says after the event with this number, oldest first; as much as fits one answer.
    fn events(&self, after: u64) -> impl Future<Output = Result<Vec<Event>, SystemError>> + Send;

    /// Says that a fault is about to be injected. It is durably in the journal when this returns.
    fn announce(
        &self,
        notice: &FaultNotice,
    ) -> impl Future<Output = Result<(), SystemError>> + Send;

    /// Says that an announced fault ended, and how: `rolled back`, `expired`, `not applied`,
    /// `undone after a crash`. Ending a fault twice is no error.
    fn end_fault(
        &self,
        id: &str,
        how: &str,
    ) -> impl Future<Output = Result<(), SystemError>> + Send;
}

/// One node of the running system.
#[derive(Debug)]
pub struct Node<'a, S> {
    /// Its name in its cluster; none where it is alone.
    pub name: Option<&'a str>,
    /// The way to it.
    pub system: &'a S,
}

/// The system did not answer, or refused; the text says how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SystemError(pub String);
