//! The steps of a reload.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ninefold_config::diff;
use ninefold_config::model::{File, Name, ServiceKind};
use ninefold_core::event::EventKind;
use ninefold_supervise::Place;
use tokio::sync::OwnedMutexGuard;

use super::fingerprint;
use super::report::{ReloadOutcome, ReloadReport, ReloadRequest, Watched};
use super::services::{Supervised, added_ready, supervise};
use super::watch::Watch;
use crate::begin::chosen_ports;
use crate::control::Handle;

/// How long a successor is watched if nothing else is said.
const WATCH: Duration = Duration::from_secs(5);

/// How long it may be watched.
const WATCH_MAX: Duration = Duration::from_secs(600);

/// How long a reload or an upgrade waits for the one before it, whose gateway may still leave.
pub(crate) const TURN_MAX: Duration = Duration::from_secs(60);

/// How long a gateway that leaves may take to accept its last connection.
pub(crate) const CLOSE_MAX: Duration = Duration::from_secs(2);

/// How often it is asked whether it has.
pub(crate) const CLOSE_LOOK: Duration = Duration::from_millis(2);

/// How long an idle connection of it is left open: its client learns with its next answer that it
/// is to go.
pub(crate) const IDLE_MAX: Duration = Duration::from_secs(10);

/// Why nothing was reloaded. Everything is as before.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReloadError {
    /// The file has errors.
    #[error("{0}")]
    Invalid(String),
    /// It asks for what cannot be changed while the node runs.
    #[error("{0}")]
    Refused(String),
    /// Something else is under way.
    #[error(
        "another reload or upgrade is under way, or what the gateway before has open takes longer than {TURN_MAX:?} (`node.drain`); try again"
    )]
    Busy,
    /// The node stops.
    #[error("the node is stopping")]
    Stopping,
    /// It could not be done.
    #[error("{0}")]
    Failed(String),
}

/// Reloads. It goes on to its end, whoever stops waiting.
pub(crate) async fn reload(
    handle: Handle,
    request: ReloadRequest,
) -> Result<ReloadReport, ReloadError> {
    let task = tokio::spawn(run(handle, request));
    match task.await {
        Ok(done) => done,
        Err(error) => Err(ReloadError::Failed(error.to_string())),
    }
}

async fn run(handle: Handle, request: ReloadRequest) -> Result<ReloadReport, ReloadError> {
    let turn = Arc::clone(&handle.launch().turn).lock_owned();
    let waited = tokio::time::timeout(TURN_MAX, turn).await;
    let turn = waited.map_err(|_elapsed| ReloadError::Busy)?;
    let (old, from) = {
        let control = handle.lock();
        if control.is_stopping() {
            return Err(ReloadError::Stopping);
        }
        (
            Arc::clone(&control.parts.file),
            control.parts.config.clone(),
        )
    };
    let path = request.file.unwrap_or_else(|| old.path.clone());
    let (new, to) = read(&path).await?;
    let new = match &handle.launch().place {
        Some(place) => for_node(&old, &new, place)?,
        None => new,
    };
    let changes = diff(&old, &new);
    let refused: Vec<String> = changes
        .iter()
        .filter(|change| change.refused.is_some())
        .map(ToString::to_string)
        .collect();
    if !refused.is_empty() {
        return Err(ReloadError::Refused(refused.join("\n")));
    }
    let mut report = ReloadReport {
        outcome: ReloadOutcome::DryRun,
        file: path,
        from,
        to,
        changes,
        watched: None,
        reason: None,
    };
    if request.dry_run {
        return Ok(report);
    }
    if report.changes.is_empty() {
        report.outcome = ReloadOutcome::Unchanged;
        let mut control = handle.lock();
        control.parts.file = Arc::new(new);
        control.parts.config.clone_from(&report.to);
        return Ok(report);
    }
    let watch = request.watch_ms.map_or(WATCH, Duration::from_millis);
    let new = Arc::new(new);
    let reload = Reload::stage(handle, turn, old, new, &report).await?;
    match reload.tried(watch.min(WATCH_MAX)).await {
        Ok(watched) => {
            report.outcome = ReloadOutcome::Done;
            report.watched = watched;
            reload.commit(&report).await;
        }
        Err((watched, why)) => {
            report.outcome = ReloadOutcome::RolledBack;
            report.watched = watched;
            report.reason = Some(why.clone());
            reload.roll_back(&report.to, why).await;
        }
    }
    Ok(report)
}

async fn read(path: &Path) -> Result<(File, String), ReloadError> {
    let path: PathBuf = path.to_owned();
    let outcome = tokio::task::spawn_blocking(move || ninefold_config::read(&path)).await;
    let outcome = outcome.map_err(|error| ReloadError::Failed(error.to_string()))?;
    let to = fingerprint(outcome.text());
    match &outcome.file {
        Some(file) => Ok((file.clone(), to)),
        None => Err(ReloadError::Invalid(
            ninefold_config::render(&outcome).trim_end().to_owned(),
        )),
    }
}

/// The file as one of several nodes goes on by it. They reload one after another, so what decides
/// which of them runs a replica stays as it is: else it would run on two, or on none, meanwhile.
fn for_node(old: &File, new: &File, place: &Place) -> Result<File, ReloadError> {
    let spread = |file: &File, name: &Name| match &file.services.get(name)?.kind {
        ServiceKind::Supervised(supervised) => Some(supervised.spread),
        ServiceKind::External(_) => None,
    };
    let moves = |name: &&Name| {
        let (before, after) = (spread(old, name), spread(new, name));
        before.is_some() && after.is_some() && before != after
    };
    let moved = if old.cluster.zones == new.cluster.zones {
        let moved = old.services.keys().find(moves);
        moved.map(|name| format!("service.{name}.spread"))
    } else {
        Some("cluster.zones".to_owned())
    };
    if let Some(key) = moved {
        return Err(ReloadError::Refused(format!(
            "{key}: which node runs a replica follows from it; run `ninefold stop`, then `ninefold up`"
        )));
    }
    place.own_file(new).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        ReloadError::Refused(errors.join("\n"))
    })
}

/// A reload under way: a successor of the gateway holds.
struct Reload {
    handle: Handle,
    turn: OwnedMutexGuard<()>,
    old: Supervised,
    new: Supervised,
    /// What is supervised until the successor has taken over: nothing of the old one is touched.
    meanwhile: Supervised,
}

impl Reload {
    async fn stage(
        handle: Handle,
        turn: OwnedMutexGuard<()>,
        old: Arc<File>,
        new: Arc<File>,
        report: &ReloadReport,
    ) -> Result<Self, ReloadError> {
        let gateway = {
            let control = handle.lock();
            control.notice(format!(
                "reload: {} of {}, {} changes",
                report.to,
                report.file.display(),
                report.changes.len()
            ));
            Arc::clone(&control.parts.gateway)
        };
        let (staged, state) = (Arc::clone(&gateway), handle.launch().state.clone());
        let file = Arc::clone(&new);
        let staged = tokio::task::spawn_blocking(move || staged.stage(&file, state.path())).await;
        staged
            .map_err(|error| ReloadError::Failed(error.to_string()))?
            .map_err(|error| ReloadError::Failed(error.to_string()))?;
        let bound = gateway.successor_addresses().unwrap_or_default();
        let old = Supervised::new(old, &gateway.addresses());
        let new = Supervised::new(new, &bound);
        Ok(Self {
            meanwhile: old.and(&new),
            handle,
            turn,
            old,
            new,
        })
    }

    /// Starts what is added, and tries the successor. What was seen, and why it must not go on.
    async fn tried(&self, watch: Duration) -> Result<Option<Watched>, (Option<Watched>, String)> {
        let handle = &self.handle;
        if !self.old.satisfies(&self.meanwhile) {
            let supervised = supervise(handle, &self.old, &self.meanwhile).await;
            supervised.map_err(|error| (None, error.to_string()))?;
            let ready = added_ready(handle, &self.old.file, &self.new.file).await;
            ready.map_err(|why| (None, why))?;
        }
        if watch.is_zero() {
            return Ok(None);
        }
        let seen = Watch::begin(handle, &self.old.file, &self.new.file);
        handle.lock().parts.gateway.try_first();
        match seen.run(handle, watch).await {
            (watched, None) => Ok(Some(watched)),
            (watched, Some(why)) => Err((Some(watched), why)),
        }
    }

    /// The new file holds from now on, for every connection that is made after this; what is left to
    /// do is done by a task of its own.
    async fn commit(self, report: &ReloadReport) {
        let (from, to) = (report.from.clone(), report.to.clone());
        {
            let mut control = self.handle.lock();
            control.record(EventKind::ConfigChanged {
                from,
                to: to.clone(),
            });
            control.declare(Arc::clone(&self.new.file), to);
            control.parts.gateway.promote();
        }
        let ports = chosen_ports(
            &self.new.file,
            &self.handle.lock().parts.gateway.addresses(),
        );
        if let Err(error) = self.handle.launch().state.now_runs(&report.file, ports) {
            tracing::warn!(%error, "the record of this node is not up to date");
        }
        let gateway = Arc::clone(&self.handle.lock().parts.gateway);
        let closing = async {
            while gateway.leaving_accepts() {
                tokio::time::sleep(CLOSE_LOOK).await;
            }
        };
        if tokio::time::timeout(CLOSE_MAX, closing).await.is_err() {
            tracing::warn!("the gateway before still accepts connections");
        }
        drop(tokio::spawn(self.follow()));
    }

    /// Services follow: those that changed at once, those that are gone once nobody asks for them.
    async fn follow(self) {
        let handle = &self.handle;
        let kept = self.new.and(&self.old);
        if !self.meanwhile.satisfies(&kept)
            && let Err(error) = supervise(handle, &self.meanwhile, &kept).await
        {
            handle
                .lock()
                .notice(format!("services do not follow: {error}"));
        }
        self.retire().await;
        if !kept.satisfies(&self.new)
            && let Err(error) = supervise(handle, &kept, &self.new).await
        {
            handle
                .lock()
                .notice(format!("services do not follow: {error}"));
        }
        drop(self.turn);
    }

    /// Everything is as before.
    async fn roll_back(self, to: &str, reason: String) {
        let handle = &self.handle;
        {
            let control = handle.lock();
            control.record(EventKind::ReloadRolledBack {
                config: to.to_owned(),
                reason,
            });
            control.parts.gateway.withdraw();
        }
        if !self.old.satisfies(&self.meanwhile)
            && let Err(error) = supervise(handle, &self.meanwhile, &self.old).await
        {
            handle
                .lock()
                .notice(format!("what was added is left: {error}"));
        }
        drop(tokio::spawn(async move {
            self.retire().await;
            drop(self.turn);
        }));
    }

    async fn retire(&self) {
        let (gateway, drain) = {
            let control = self.handle.lock();
            let gateway = Arc::clone(&control.parts.gateway);
            (gateway, control.parts.file.node.drain)
        };
        if let Some(report) = gateway.retire(IDLE_MAX, drain.0).await
            && report.connections_left > 0
        {
            let left = report.connections_left;
            self.handle.lock().notice(format!(
                "the gateway before is ended with {left} connections that took longer than {drain}"
            ));
        }
    }
}
