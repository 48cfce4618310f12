//! What the supervisor tells the agent.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ninefold_core::event::EventKind;
use ninefold_core::id::InstanceId;
use ninefold_core::observation::{Observation, Seen};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::clock::wall;

/// An agent that does not take its reports for this long loses them: supervision goes on.
const REPORT_PATIENCE: Duration = Duration::from_secs(1);

/// Writes to the journal. Actions are recorded before they happen.
pub trait Recorder: Send + Sync + fmt::Debug {
    /// Records `kind` with the present time. It may wait for the disk, and reports its own
    /// failures by itself: supervision goes on without a journal.
    fn record(&self, kind: EventKind);
}

/// One report.
#[derive(Debug)]
pub enum Report {
    /// Evidence for the detector.
    Observed(Observation),
    /// Some instance's state, address or readiness changed: read
    /// [`Supervisor::instances`](crate::Supervisor::instances) again. Several changes are one
    /// report.
    Changed,
    /// This instance is about to be stopped as planned. It is no longer admitted; answer `done`
    /// once nothing is in flight to it. After `limit` (and a second) it is stopped all the same.
    Drain {
        /// Which instance.
        instance: InstanceId,
        /// How long its requests may take.
        limit: Duration,
        /// Where to answer. Dropping it is an answer too.
        done: oneshot::Sender<()>,
    },
    /// An endpoint was found that was not in the file.
    Joined {
        /// Which one.
        instance: InstanceId,
        /// Its zone.
        zone: Option<Arc<str>>,
    },
    /// Such an endpoint is gone, and nothing of it is under way any more.
    Left {
        /// Which one.
        instance: InstanceId,
    },
    /// How a `prepare` command goes.
    Prepare {
        /// The command, as one line.
        command: String,
        /// How it goes.
        state: PrepareState,
    },
}

/// How a `prepare` command goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrepareState {
    /// It runs.
    Started,
    /// It wrote a line.
    Output(String),
    /// It succeeded.
    Done,
    /// It failed, and why. It is tried again later.
    Failed(String),
}

/// The sending side.
#[derive(Clone, Debug)]
pub(crate) struct Reporter {
    reports: mpsc::Sender<Report>,
    changed: Arc<Notify>,
}

impl Reporter {
    pub(crate) fn new(reports: mpsc::Sender<Report>) -> Self {
        Self {
            reports,
            changed: Arc::new(Notify::new()),
        }
    }

    /// Sends evidence about `instance`.
    pub(crate) async fn observe(&self, instance: &InstanceId, seen: Seen) {
        let observation = Observation {
            instance: instance.clone(),
            at: wall(),
            seen,
        };
        self.send(Report::Observed(observation)).await;
    }

    /// Sends a report, unless the agent is stuck.
    pub(crate) async fn send(&self, report: Report) {
        if let Err(error) = self.reports.send_timeout(report, REPORT_PATIENCE).await {
            tracing::warn!(%error, "a report is lost");
        }
    }

    /// Says that something changed; does not wait.
    pub(crate) fn changed(&self) {
        self.changed.notify_one();
    }

    /// Turns [`Reporter::changed`] into reports: one for as many as came since the last.
    pub(crate) async fn run(self) {
        loop {
            self.changed.notified().await;
            if self.reports.send(Report::Changed).await.is_err() {
                return;
            }
        }
    }
}
