//! The handle on everything that is supervised.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ninefold_config::model::File;
use ninefold_core::id::InstanceId;
use ninefold_core::status::{InstanceStatus, SourceStatus};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::instance::Command;
use crate::launch::Addresses;
use crate::place::Place;
use crate::probe::ProbeTls;
use crate::registry::{Registry, SupervisedEndpoint};
use crate::report::{Recorder, Report};
use crate::startup;

/// What a supervisor needs.
#[derive(Debug)]
pub struct Options {
    /// The configuration.
    pub file: Arc<File>,
    /// The node's state folder; each instance gets a folder below it. Only one supervisor may use
    /// it at a time: the caller holds a lock on it.
    pub state: PathBuf,
    /// The command that runs [`keeper::main`](crate::keeper::main): program and leading arguments.
    /// The instance's folder is appended.
    pub keeper: Vec<OsString>,
    /// Where the services are reached.
    pub addresses: Addresses,
    /// Where reports go. They are read until [`Supervisor::stop`] returns; a reader that falls
    /// behind for more than a second loses reports.
    pub reports: mpsc::Sender<Report>,
    /// The journal.
    pub journal: Arc<dyn Recorder>,
    /// How probes speak TLS; none speaks it without.
    pub tls: Option<Arc<dyn ProbeTls>>,
    /// Which of several nodes this is. Without it all replicas run here, on loopback.
    pub place: Option<Place>,
}

/// Why a supervisor could not start. Nothing was started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state folder cannot be used.
    #[error("the state folder {} cannot be used: {source}", path.display())]
    State {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// [`Options::keeper`] is empty.
    #[error("no keeper command")]
    NoKeeper,
}

/// Why an instance cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestartError {
    /// There is no such supervised instance: unknown, or an external endpoint.
    #[error("{0} is no instance that Ninefold starts")]
    Unknown(InstanceId),
    /// It is being stopped for good.
    #[error("{0} is stopped")]
    Stopped(InstanceId),
}

/// How long one supervised instance may take to stop, and how to ask it.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) stop_max: Duration,
}

/// The tasks of a supervisor.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    /// They end by themselves once asked to stop.
    pub(crate) drivers: JoinSet<()>,
    /// They are ended.
    pub(crate) background: JoinSet<()>,
}

#[derive(Debug)]
struct Inner {
    registry: Arc<Registry>,
    members: BTreeMap<InstanceId, Member>,
    tasks: Mutex<Tasks>,
}

/// Starts, watches, restarts and stops the instances of a file.
///
/// A handle: clones are the same supervisor. When the last one is dropped without
/// [`Supervisor::stop`], supervision ends and the instances live on, to be adopted by the next
/// supervisor on the same state folder, exactly as after the death of the whole process.
#[derive(Clone, Debug)]
pub struct Supervisor {
    inner: Arc<Inner>,
}

impl Supervisor {
    /// Adopts what runs, stops what is not in the file any more, and starts the rest. Returns once
    /// it is known what was adopted; everything else goes on in tasks of the present runtime.
    ///
    /// # Errors
    ///
    /// See [`StartError`]. A service that cannot be started is no error: it is reported and tried
    /// again.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let (registry, members, tasks) = startup::start(options).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                registry,
                members,
                tasks: Mutex::new(tasks),
            }),
        })
    }

    /// Waits until everything that should be ready already has been probed once: instances that were
    /// ready under an earlier Ninefold, and external endpoints. At most for `limit`; whether it was
    /// enough.
    pub async fn settled(&self, limit: Duration) -> bool {
        let settled = self
            .inner
            .registry
            .until(|entries| entries.values().all(|entry| entry.settled));
        tokio::time::timeout(limit, settled).await.is_ok()
    }

    /// Every instance and external endpoint, by id. `ejected`, `in_flight` and `verdict` are left
    /// for others to fill in.
    #[must_use]
    pub fn instances(&self) -> Vec<InstanceStatus> {
        self.inner.registry.statuses()
    }

    /// By service, how endpoints that come and go are found.
    #[must_use]
    pub fn sources(&self) -> BTreeMap<Arc<str>, SourceStatus> {
        self.inner.registry.sources()
    }

    /// Every endpoint that has an address, by id, admitted or not.
    #[must_use]
    pub fn endpoints(&self) -> Vec<SupervisedEndpoint> {
        self.inner.registry.endpoints()
    }

    /// The endpoint of one instance, if it has an address.
    #[must_use]
    pub fn endpoint(&self, instance: &InstanceId) -> Option<SupervisedEndpoint> {
        self.inner.registry.get(instance)?.endpoint
    }

    /// Restarts an instance as planned: out of routing, drain, stop signal, grace, kill, start.
    /// Returns once the instance took the request; it costs no restart budget. An instance that
    /// waits for its next start starts at once; one that is just starting does nothing more.
    ///
    /// # Errors
    ///
    /// See [`RestartError`].
    pub async fn restart(&self, instance: &InstanceId, reason: &str) -> Result<(), RestartError> {
        let reason = reason.to_owned();
        self.ask(instance, Command::Restart { reason }).await
    }

    /// Announces that somebody will harm `instance` on purpose: exits within the given time cost no
    /// restart budget and are followed by a quick start.
    ///
    /// # Errors
    ///
    /// See [`RestartError`].
    pub async fn excuse(
        &self,
        instance: &InstanceId,
        within: Duration,
    ) -> Result<(), RestartError> {
        self.ask(instance, Command::Excuse { within }).await
    }

    async fn ask(&self, instance: &InstanceId, command: Command) -> Result<(), RestartError> {
        let member = self
            .inner
            .members
            .get(instance)
            .ok_or_else(|| RestartError::Unknown(instance.clone()))?;
        member
            .commands
            .send(command)
            .await
            .map_err(|_gone| RestartError::Stopped(instance.clone()))
    }

    /// Ends supervision and leaves the instances as they are, for the next supervisor on the same
    /// state folder: as after the death of the whole process, but nothing of this one does anything
    /// any more once it returns.
    pub async fn leave(&self) {
        let mut tasks = self.take_tasks();
        tasks.drivers.shutdown().await;
        tasks.background.shutdown().await;
    }

    fn take_tasks(&self) -> Tasks {
        let tasks = self.inner.tasks.lock();
        std::mem::take(&mut *tasks.unwrap_or_else(PoisonError::into_inner))
    }

    /// Stops every instance, all at once: drain, stop signal, grace, kill. Returns when all are
    /// gone, and in any case after the longest that an instance may take by its declared times.
    /// Reports must be read meanwhile.
    pub async fn stop(&self) {
        let mut tasks = self.take_tasks();
        let begun = Instant::now();
        let stop_max = self
            .inner
            .members
            .values()
            .map(|member| member.stop_max)
            .max();
        let limit = stop_max.unwrap_or_default() + STOP_MARGIN;
        let stop = async {
            for member in self.inner.members.values() {
                // One that is stopped already does not listen any more.
                member.commands.send(Command::Stop).await.ok();
            }
            while tasks.drivers.join_next().await.is_some() {}
        };
        if tokio::time::timeout(limit, stop).await.is_err() {
            let waited = begun.elapsed();
            tracing::error!(?waited, "some instances did not stop; they are left behind");
        }
        tasks.background.shutdown().await;
    }
}

/// Beyond the declared times: two looks at a process that does not die, its keeper's sweep, and
/// a start that is just under way.
const STOP_MARGIN: Duration = Duration::from_secs(20);
