//! One service whose endpoints are looked up.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ninefold_config::model::{Health, Source};
use ninefold_core::hash::fnv1a;
use ninefold_core::id::InstanceId;
use ninefold_core::policy::{Backoff, Jitter};
use ninefold_core::rng::Rng;
use ninefold_core::roster::{Move, Roster};
use ninefold_core::status::{InstanceState, InstanceStatus, Rotation, SourceStatus};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};

use super::kept::Kept;
use super::lookup::{Found, Look, Lookup};
use crate::clock::wall;
use crate::instance::ExternalDriver;
use crate::registry::Entry;
use crate::report::Report;
use crate::shared::Shared;

/// Waits after an answer that could not be had.
const AGAIN: Backoff = Backoff::exponential(Duration::from_millis(500), Duration::from_secs(10))
    .with_jitter(Jitter::Equal);

/// Looks come up to this share sooner, so that many nodes do not ask at once.
const SPREAD: f64 = 0.1;

/// Who left is shown for so long at most while something of it is under way; that itself goes on.
const DRAIN_MAX: Duration = Duration::from_secs(60);

/// Follows who there is.
#[derive(Debug)]
pub(crate) struct SourceDriver {
    shared: Shared,
    service: Arc<str>,
    /// What is looked at, in words.
    what: String,
    /// None once it is under way.
    lookup: Option<Lookup>,
    kept: Kept,
    health: Health,
    rng: Rng,
    /// By address.
    roster: Roster<String, Found>,
    tasks: JoinSet<()>,
    running: BTreeMap<u32, AbortHandle>,
    /// They end with the ordinal of who has nothing under way any more.
    leaving: JoinSet<u32>,
    problem: Option<String>,
}

impl SourceDriver {
    pub(crate) fn new(
        shared: Shared,
        service: Arc<str>,
        source: &Source,
        health: Health,
        folder: &Path,
    ) -> Self {
        let what = source.to_string();
        let kept = Kept::new(&shared.state, &service, what.clone());
        let mut roster = Roster::default();
        roster.restore(kept.read());
        let before = roster.members().map(|(_, _, found)| found);
        let lookup = Lookup::new(source, folder, before);
        Self {
            what,
            kept,
            roster,
            lookup: Some(lookup),
            rng: Rng::new(wall().as_nanos() ^ fnv1a(service.as_bytes())),
            shared,
            service,
            health,
            tasks: JoinSet::new(),
            running: BTreeMap::new(),
            leaving: JoinSet::new(),
            problem: None,
        }
    }

    /// Looks until it is dropped; with it end the drivers. To be published before.
    pub(crate) async fn run(mut self) {
        let known: Vec<(u32, Found)> = self
            .roster
            .members()
            .map(|(ordinal, _, found)| (ordinal, found.clone()))
            .collect();
        for (ordinal, found) in known {
            self.begin(ordinal, found, None).await;
        }
        let Some(mut lookup) = self.lookup.take() else {
            return;
        };
        let mut failed = 0;
        loop {
            let wait = match self.meanwhile(lookup.look()).await {
                Ok(Look {
                    found,
                    problem,
                    again,
                }) => {
                    failed = 0;
                    let same = found.is_none() && problem == self.problem;
                    if let Some(found) = found {
                        self.follow(found).await;
                    }
                    if !same {
                        self.say(problem);
                    }
                    again
                }
                Err(problem) => {
                    self.say(Some(problem));
                    failed += 1;
                    AGAIN.wait(failed - 1, None, &mut self.rng)
                }
            };
            let spread = 1.0 - SPREAD * self.rng.unit();
            self.meanwhile(tokio::time::sleep(wait.mul_f64(spread)))
                .await;
        }
    }

    /// Lets go who has left while something else takes its time.
    async fn meanwhile<T>(&mut self, something: impl Future<Output = T>) -> T {
        tokio::pin!(something);
        loop {
            tokio::select! {
                done = &mut something => return done,
                Some(Ok(ordinal)) = self.leaving.join_next() => self.gone(ordinal).await,
                Some(_) = self.tasks.join_next() => {}
            }
        }
    }

    /// Lets drivers begin and end.
    async fn follow(&mut self, found: Vec<Found>) {
        let none_before = self.roster.is_empty();
        let by_address = found.into_iter();
        let by_address = by_address.map(|one| (one.endpoint.address.clone(), one));
        let moves = self.roster.follow(by_address.collect());
        if moves.is_empty() {
            return;
        }
        if none_before {
            // Who stood in for them.
            self.shared.registry.withdraw(&self.instance(0));
        }
        for moved in moves {
            match moved {
                Move::Left(ordinal) => self.end(ordinal),
                Move::Joined(ordinal, address, found) => {
                    let text = format!("{} is {address}, by {}", self.instance(ordinal), self.what);
                    self.shared.notice(text);
                    self.begin(ordinal, found, None).await;
                }
                Move::Changed(ordinal, _, found) => {
                    self.stop(ordinal);
                    let before = self.shared.registry.get(&self.instance(ordinal));
                    let ready_since = before.and_then(|entry| entry.endpoint?.ready_since);
                    self.begin(ordinal, found, ready_since).await;
                }
            }
        }
        if let Err(error) = self.kept.write(self.roster.members()) {
            let service = &self.service;
            tracing::warn!(%service, %error, "the endpoints that were found are not kept on disk");
        }
    }

    async fn begin(&mut self, ordinal: u32, found: Found, ready_since: Option<Instant>) {
        let instance = self.instance(ordinal);
        let zone = found.endpoint.zone.as_ref().map(|zone| Arc::from(&**zone));
        let joined = Report::Joined {
            instance: instance.clone(),
            zone,
        };
        self.shared.reporter.send(joined).await;
        let driver = self.driver(ordinal, found).ready_since(ready_since);
        driver.publish();
        let task = self.tasks.spawn(driver.run());
        self.running.insert(ordinal, task);
    }

    fn driver(&self, ordinal: u32, found: Found) -> ExternalDriver {
        let (shared, health) = (self.shared.clone(), self.health.clone());
        let instance = self.instance(ordinal);
        ExternalDriver::new(shared, instance, found.endpoint, health).host(found.host)
    }

    fn stop(&mut self, ordinal: u32) {
        if let Some(task) = self.running.remove(&ordinal) {
            task.abort();
        }
    }

    /// It gets no new requests from now on.
    fn end(&mut self, ordinal: u32) {
        self.stop(ordinal);
        let instance = self.instance(ordinal);
        let Some(mut entry) = self.shared.registry.get(&instance) else {
            self.roster.release(ordinal);
            return;
        };
        let address = &entry.status.address;
        self.shared
            .notice(format!("{instance}, {address}, is gone, by {}", self.what));
        entry.status.state = InstanceState::Stopping;
        entry.status.reason = Some(format!("gone from {}", self.what));
        entry.status.since = wall();
        entry.endpoint = None;
        entry.settled = true;
        self.shared.registry.publish(entry);
        let reporter = self.shared.reporter.clone();
        self.leaving.spawn(async move {
            let (done, drained) = oneshot::channel();
            let drain = Report::Drain {
                instance,
                limit: DRAIN_MAX,
                done,
            };
            reporter.send(drain).await;
            let limit = DRAIN_MAX + Duration::from_secs(1);
            tokio::time::timeout(limit, drained).await.ok();
            ordinal
        });
    }

    /// Nothing of it is under way any more.
    async fn gone(&mut self, ordinal: u32) {
        let instance = self.instance(ordinal);
        self.roster.release(ordinal);
        self.shared.registry.withdraw(&instance);
        self.shared.reporter.send(Report::Left { instance }).await;
        self.shared.reporter.changed();
    }

    fn instance(&self, ordinal: u32) -> InstanceId {
        InstanceId::new(Arc::clone(&self.service), ordinal)
    }

    /// Says what is wrong with the source, once.
    fn say(&mut self, problem: Option<String>) {
        let (service, what, stay) = (&self.service, &self.what, self.roster.len());
        match &problem {
            _ if self.problem == problem => {}
            Some(problem) => self.shared.notice(format!(
                "endpoints of {service}, {what}: {problem}; those of before stay, {stay}"
            )),
            None => self.shared.notice(format!(
                "endpoints of {service}, {what}: it can be read again, {stay} are there"
            )),
        }
        self.problem = problem;
        self.publish();
    }

    /// Says how it goes, and stands in for the service's endpoints until there are any.
    pub(crate) fn publish(&self) {
        let source = SourceStatus {
            source: self.what.clone(),
            endpoints: u32::try_from(self.roster.len()).unwrap_or(u32::MAX),
            problem: self.problem.clone(),
        };
        self.shared.registry.source(&self.service, source);
        for (ordinal, _, found) in self.roster.members() {
            if !self.running.contains_key(&ordinal) {
                self.driver(ordinal, found.clone()).publish();
            }
        }
        if !self.roster.is_empty() {
            return;
        }
        let state = match &self.problem {
            Some(_) => InstanceState::NotReady,
            None => InstanceState::Starting,
        };
        let entry = Entry {
            status: InstanceStatus {
                node: None,
                service: self.service.to_string(),
                instance: self.instance(0),
                zone: None,
                address: self.what.clone(),
                pid: None,
                pid_start: None,
                release: None,
                state,
                reason: self.problem.clone(),
                since: wall(),
                restarts: 0,
                ejected: false,
                rotation: Rotation::Out,
                ejection: None,
                quarantine: None,
                in_flight: 0,
                verdict: None,
            },
            endpoint: None,
            settled: self.problem.is_some(),
        };
        if self.shared.registry.publish(entry) {
            self.shared.reporter.changed();
        }
    }
}
