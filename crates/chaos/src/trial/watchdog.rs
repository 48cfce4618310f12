//! What cuts a trial short.

use std::future::{Future, poll_fn};
use std::task::Poll;

use tokio::sync::watch;

use super::Pace;
use crate::process::{Presence, Process};
use crate::reaper::Keeper;

/// Why a trial cannot tell anything. Every one of these makes it INCONCLUSIVE.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Setback {
    /// The caller asked for the end.
    #[error("interrupted: the run was asked to stop")]
    Stopped,
    /// The reaper is gone: no fault may outlive it.
    #[error("the reaper ended: faults would not be undone if this process were killed")]
    ReaperGone,
    /// The system under test is one with a Ninefold that goes on.
    #[error(
        "Ninefold itself ended during the run ({0}): what was seen says nothing about the claim"
    )]
    NinefoldGone(Process),
    /// Anything else, in words.
    #[error("{0}")]
    Because(String),
}

impl From<crate::SystemError> for Setback {
    fn from(error: crate::SystemError) -> Self {
        Self::Because(format!("the system did not answer: {error}"))
    }
}

impl From<crate::ledger::LedgerError> for Setback {
    fn from(error: crate::ledger::LedgerError) -> Self {
        Self::Because(error.to_string())
    }
}

/// Watches the stop signal, the reaper and Ninefold while something else is waited for, and the pace.
#[derive(Debug)]
pub(crate) struct Watchdog {
    pub(crate) keeper: Keeper,
    /// Ninefold's process, once it is known; those of all nodes that the fault spares.
    pub(crate) nodes: Vec<Process>,
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) pace: Pace,
}

impl Watchdog {
    /// The end of `work`, unless the run is cut short before; then `work` is dropped.
    pub(crate) async fn guard<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Setback> {
        let stop = &mut self.stop;
        let stopped = async {
            let never = stop.wait_for(|stop| *stop).await.is_err();
            if never {
                std::future::pending::<()>().await;
            }
        };
        let ninefold_gone = any_gone(&self.nodes);
        tokio::select! {
            biased;
            () = stopped => Err(Setback::Stopped),
            () = self.keeper.gone() => Err(Setback::ReaperGone),
            process = ninefold_gone => Err(Setback::NinefoldGone(process)),
            end = work => Ok(end),
        }
    }

    /// Whether the run may go on.
    pub(crate) fn check(&mut self) -> Result<(), Setback> {
        if *self.stop.borrow() {
            return Err(Setback::Stopped);
        }
        if !self.keeper.alive() {
            return Err(Setback::ReaperGone);
        }
        let gone = |process: &&Process| process.presence() == Presence::Gone;
        match self.nodes.iter().find(gone) {
            Some(process) => Err(Setback::NinefoldGone(*process)),
            None => Ok(()),
        }
    }
}

/// Resolves when one of them is gone, and says which; never for none.
async fn any_gone(processes: &[Process]) -> Process {
    let ends = processes.iter().map(|process| {
        Box::pin(async {
            process.gone().await;
            *process
        })
    });
    let mut ends: Vec<_> = ends.collect();
    poll_fn(|context| {
        let mut ended = ends.iter_mut().map(|end| end.as_mut().poll(context));
        ended.find(Poll::is_ready).unwrap_or(Poll::Pending)
    })
    .await
}
