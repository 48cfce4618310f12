//! Does what the machine of a supervised instance decides.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ninefold_config::model::{Check, Health};
use ninefold_core::event::EventKind;
use ninefold_core::hash::fnv1a;
use ninefold_core::observation::ProbeKind;
use ninefold_core::policy::Backoff;
use ninefold_core::restart::RestartPolicy;
use ninefold_core::rng::Rng;
use ninefold_core::status::{InstanceState, InstanceStatus, Rotation};
use ninefold_core::time::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};

use crate::adoption::Found;
use crate::clock::{monotonic, wall};
use crate::disk::{ExitRecord, Folder, RunRecord, Spec, remove, write_json};
use crate::launch::Plan;
use crate::prepare::Gate;
use crate::probe::{Target, probe_forever};
use crate::process::{ask_group, excerpt, kill_group};
use crate::registry::{Entry, SupervisedEndpoint};
use crate::report::Report;
use crate::shared::Shared;

use super::action::Action;
use super::event::Event;
use super::machine::{Machine, Rules};
use super::starter::{Started, start};
use super::watch;

/// Events of one instance that wait at most.
const EVENTS_MAX: usize = 64;
/// What the gateway may take for a drain beyond its limit.
const DRAIN_MARGIN: Duration = Duration::from_secs(1);

/// What others ask of an instance.
#[derive(Debug)]
pub(crate) enum Command {
    /// Stop for good. The driver ends after it.
    Stop,
    /// Stop in order and start again.
    Restart { reason: String },
    /// Exits within this time are somebody's doing.
    Excuse { within: Duration },
}

/// What the driver's own tasks tell it.
#[derive(Debug)]
enum Told {
    /// Something about whichever incarnation there is.
    Event(Event),
    /// Something about this incarnation.
    Of(u64, Event),
    /// A start came to its end.
    Started(Box<Result<Started, String>>),
}

/// One supervised instance.
#[derive(Debug)]
pub(crate) struct Driver {
    shared: Shared,
    plan: Plan,
    folder: Folder,
    machine: Machine,
    rng: Rng,
    run: Option<RunRecord>,
    /// The process before, while there is none: the instance is in its place, and has not gone.
    last: Option<RunRecord>,
    spec: Option<Spec>,
    incarnation: u64,
    /// When the pidfd of this incarnation said that it ended (wall clock).
    gone: Option<Timestamp>,
    told: mpsc::Receiver<Told>,
    tell: mpsc::Sender<Told>,
    commands: mpsc::Receiver<Command>,
    /// Tasks that end with the driver.
    lasting: JoinSet<()>,
    /// Tasks that end with the process.
    passing: JoinSet<()>,
    probes: BTreeMap<ProbeKind, AbortHandle>,
    state: Option<(InstanceState, Option<String>)>,
    since: Timestamp,
    ready_since: Option<Instant>,
    /// Whether the folder says that this process is ready.
    marked: bool,
}

impl Driver {
    /// A driver for the instance of `plan`, of a service with this `health`.
    pub(crate) fn new(
        shared: Shared,
        plan: Plan,
        health: Health,
        commands: mpsc::Receiver<Command>,
    ) -> Self {
        let (tell, told) = mpsc::channel(EVENTS_MAX);
        let restart = &plan.supervised.restart;
        let rules = Rules {
            health,
            stop: plan.supervised.stop.clone(),
            restart: RestartPolicy {
                backoff: Backoff::exponential(restart.backoff_min.0, restart.backoff_max.0),
                budget: restart.budget,
                within: restart.within.0,
                crash_loop_every: restart.crash_loop_every.0,
            },
        };
        let seed = wall().as_nanos() ^ fnv1a(plan.instance.to_string().as_bytes());
        Self {
            folder: Folder::of(&shared.state, &plan.instance),
            machine: Machine::new(plan.instance.clone(), rules),
            shared,
            plan,
            rng: Rng::new(seed),
            run: None,
            last: None,
            spec: None,
            incarnation: 0,
            gone: None,
            told,
            tell,
            commands,
            lasting: JoinSet::new(),
            passing: JoinSet::new(),
            probes: BTreeMap::new(),
            state: None,
            since: wall(),
            ready_since: None,
            marked: false,
        }
    }

    /// Takes over what an earlier Ninefold left. To be called before [`Driver::run`].
    pub(crate) async fn inherit(&mut self, found: Found) {
        match found {
            Found::Nothing => {}
            Found::Alive { run, kept, ready } => self.adopt(run, kept, ready).await,
            Found::Ended { run, exit } => {
                let (cause, ended) = exit.map_or_else(
                    || (ninefold_core::taxonomy::ExitCause::Lost, wall()),
                    |exit| (exit.cause, exit.ended_at_ns),
                );
                let pid = run.process.pid;
                // Its keeper may still be at its sweep: the first start waits for it.
                self.run = Some(run);
                self.handle(Event::EndedBefore { pid, cause, ended }).await;
            }
        }
        self.publish();
    }

    /// Lives as long as the instance is wanted. The first start waits for `gate`.
    pub(crate) async fn run(mut self, mut gate: Gate) {
        let tell = self.tell.clone();
        self.lasting.spawn(async move {
            while let Some(passed) = gate.next().await {
                let (open, event) = match passed {
                    Ok(()) => (true, Event::Begin),
                    Err(reason) => (false, Event::Blocked { reason }),
                };
                if tell.send(Told::Event(event)).await.is_err() || open {
                    return;
                }
            }
        });
        loop {
            self.publish();
            self.match_probes();
            if self.machine.finished() {
                break;
            }
            self.step().await;
        }
    }

    async fn step(&mut self) {
        let now = monotonic();
        let deadline = self.machine.deadline(now);
        let wait = deadline.map_or(Duration::from_secs(3_600), |at| at.since(now));
        tokio::select! {
            biased;
            told = self.told.recv() => match told {
                Some(Told::Event(event)) => self.handle(event).await,
                Some(Told::Of(incarnation, event)) if incarnation == self.incarnation => {
                    self.handle(event).await;
                }
                Some(Told::Started(result)) => self.started(*result).await,
                Some(Told::Of(..)) | None => {}
            },
            command = self.commands.recv() => match command {
                Some(Command::Stop) => self.handle(Event::Stop).await,
                Some(Command::Restart { reason }) => self.handle(Event::Restart { reason }).await,
                Some(Command::Excuse { within }) => {
                    self.handle(Event::Excuse { until: monotonic() + within }).await;
                }
                // The supervisor is gone without stopping its instances: they live on.
                None => std::future::pending().await,
            },
            () = tokio::time::sleep(wait) => self.handle(Event::Tick).await,
        }
    }

    async fn handle(&mut self, event: Event) {
        let event = self.dated(event);
        let actions = self.machine.handle(event, monotonic(), &mut self.rng);
        // Out of routing first, everything else later.
        self.publish();
        for action in actions {
            self.act(action).await;
        }
    }

    /// On a busy machine a keeper may date an exit later than it was seen here; the earlier holds.
    fn dated(&mut self, event: Event) -> Event {
        match event {
            Event::Gone => {
                self.gone = Some(wall());
                Event::Gone
            }
            Event::Exited { cause, ended } => {
                let ended = self.gone.map_or(ended, |gone| gone.min(ended));
                Event::Exited { cause, ended }
            }
            other => other,
        }
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::Record(kind) => self.shared.journal.record(kind),
            Action::Observe(seen) => {
                let instance = &self.plan.instance;
                self.shared.reporter.observe(instance, seen).await;
            }
            Action::Spawn => self.spawn(),
            Action::Drain(limit) => self.drain(limit),
            Action::Signal(signal) => {
                if let Some(run) = &self.run {
                    ask_group(run.process, signal);
                }
            }
            Action::Describe(reason) => self.describe(&reason),
            Action::Kill => {
                if let Some(run) = &self.run {
                    kill_group(run.process);
                }
            }
            Action::Forget => self.forget(),
        }
    }

    fn describe(&self, reason: &str) {
        if let Some(run) = &self.run {
            let text = format!(
                "{} before it is killed ({reason}): {}",
                self.plan.instance,
                excerpt(run.process)
            );
            self.shared.journal.record(EventKind::Notice { text });
        }
    }

    fn forget(&mut self) {
        self.passing.abort_all();
        self.probes.clear();
        for path in [self.folder.run(), self.folder.exit()] {
            if let Err(error) = remove(&path) {
                tracing::warn!(path = %path.display(), %error, "a record stays behind");
            }
        }
    }

    fn spawn(&mut self) {
        self.incarnation += 1;
        self.gone = None;
        self.passing.abort_all();
        self.probes.clear();
        let predecessor = self.run.as_ref().map(|run| run.keeper);
        self.last = self.run.take().or_else(|| self.last.take());
        let (plan, shared, tell) = (self.plan.clone(), self.shared.clone(), self.tell.clone());
        let incarnation = self.incarnation;
        let (exits, mut ends) = mpsc::channel::<ExitRecord>(1);
        let tell_end = tell.clone();
        self.lasting.spawn(async move {
            if let Some(exit) = ends.recv().await {
                let (cause, ended) = (exit.cause, exit.ended_at_ns);
                let event = Event::Exited { cause, ended };
                tell_end.send(Told::Of(incarnation, event)).await.ok();
            }
        });
        self.lasting.spawn(async move {
            let result = start(&plan, predecessor, &shared, exits).await;
            tell.send(Told::Started(Box::new(result))).await.ok();
        });
        while self.lasting.try_join_next().is_some() {}
    }

    async fn started(&mut self, result: Result<Started, String>) {
        match result {
            Ok(Started::New { run, spec }) => {
                let pid = run.process.pid;
                self.spec = Some(*spec);
                self.watch(run);
                self.handle(Event::Spawned { pid }).await;
            }
            Ok(Started::Found { run, kept }) => self.adopt(run, kept, false).await,
            Err(error) => self.handle(Event::SpawnFailed { error }).await,
        }
    }

    async fn adopt(&mut self, run: RunRecord, kept: bool, ready: bool) {
        let (pid, keeper) = (run.process.pid, run.keeper.pid);
        let port = run.address.port();
        self.shared.ports.reserve(&self.plan.instance, port);
        self.spec = self.plan.spec(run.address).ok();
        self.watch(run);
        self.marked = ready;
        self.handle(Event::Adopted { pid, ready }).await;
        if !kept {
            self.handle(Event::KeeperLost { keeper }).await;
        }
    }

    /// Watches the process of `run`, which is this incarnation's from now on.
    fn watch(&mut self, run: RunRecord) {
        self.run = Some(run.clone());
        let (tell, incarnation, folder) =
            (self.tell.clone(), self.incarnation, self.folder.clone());
        self.passing.spawn(async move {
            let of = |event| tell.send(Told::Of(incarnation, event));
            if watch::first_gone(&run).await {
                let keeper = run.keeper.pid;
                of(Event::KeeperLost { keeper }).await.ok();
                watch::process_gone(&run).await;
            }
            of(Event::Gone).await.ok();
            let exit = watch::cause(&run, &folder).await;
            let (cause, ended) = (exit.cause, exit.ended_at_ns);
            of(Event::Exited { cause, ended }).await.ok();
        });
    }

    fn drain(&mut self, limit: Duration) {
        let (done, drained) = oneshot::channel();
        let instance = self.plan.instance.clone();
        let (reporter, tell) = (self.shared.reporter.clone(), self.tell.clone());
        let incarnation = self.incarnation;
        self.passing.spawn(async move {
            let drain = async {
                reporter
                    .send(Report::Drain {
                        instance,
                        limit,
                        done,
                    })
                    .await;
                drained.await.ok();
            };
            tokio::time::timeout(limit + DRAIN_MARGIN, drain).await.ok();
            tell.send(Told::Of(incarnation, Event::Drained)).await.ok();
        });
    }

    /// Starts and ends probes until exactly those run that the gates want.
    fn match_probes(&mut self) {
        let wanted: Vec<_> = match (self.machine.gates(), &self.run) {
            (Some(gates), Some(_)) => gates
                .wanted(monotonic())
                .into_iter()
                .map(|(kind, probe)| (kind, probe.clone()))
                .collect(),
            _ => Vec::new(),
        };
        self.probes.retain(|kind, task| {
            let keep = wanted.iter().any(|(wanted, _)| wanted == kind);
            if !keep {
                task.abort();
            }
            keep
        });
        let Some(run) = self.run.clone() else { return };
        for (kind, probe) in wanted {
            if self.probes.contains_key(&kind) {
                continue;
            }
            let command = match &probe.check {
                Check::Exec { command } => self.plan.command(command, run.address),
                Check::Http { .. } | Check::Grpc { .. } | Check::Tcp => Ok(Vec::new()),
            };
            let target = Target {
                address: run.address.into(),
                spec: self.spec.clone(),
                // The parser has checked the placeholders; an empty command fails by itself.
                command: command.unwrap_or_default(),
                identity: self.shared.identity(&self.plan.instance, None),
            };
            let (incarnation, process) = (self.incarnation, run.process);
            let rng = Rng::new(self.rng.next_u64());
            // Liveness begins half a turn later, so that both do not always fall together.
            let delay = match kind {
                ProbeKind::Live => probe.every.0 / 2,
                ProbeKind::Startup | ProbeKind::Ready => Duration::ZERO,
            };
            let tell = self.tell.clone();
            let task = probe_forever(kind, probe, target, delay, rng, tell, move |probed| {
                let passed = probed.attempt.outcome.passed();
                let event = Event::Probed {
                    kind: probed.kind,
                    attempt: probed.attempt,
                    stopped: !passed && process.stopped(),
                };
                Told::Of(incarnation, event)
            });
            self.probes.insert(kind, self.passing.spawn(task));
        }
    }

    /// Keeps in the folder whether the process is ready, for the Ninefold after this one.
    fn mark(&mut self) {
        let ready = self.machine.admitted() || self.machine.resuming();
        if ready == self.marked {
            return;
        }
        let path = self.folder.ready();
        let marked = match &self.run {
            Some(run) if ready => write_json(&path, &run.process),
            _ => remove(&path),
        };
        if let Err(error) = marked {
            tracing::debug!(path = %path.display(), %error, "readiness is not kept");
        }
        self.marked = ready;
    }

    /// Publishes what changed.
    fn publish(&mut self) {
        self.mark();
        let state = self.machine.state();
        if self.state.as_ref() != Some(&state) {
            if self.state.as_ref().map(|(state, _)| state) != Some(&state.0) {
                self.since = wall();
            }
            self.state = Some(state.clone());
        }
        let admitted = self.machine.admitted();
        self.ready_since = match self.ready_since {
            Some(since) if admitted => Some(since),
            _ => admitted.then(Instant::now),
        };
        let latest = self.run.as_ref().or(self.last.as_ref());
        let process = self.run.as_ref().filter(|_| self.machine.running());
        let entry = Entry {
            status: InstanceStatus {
                node: None,
                service: self.plan.instance.service.to_string(),
                instance: self.plan.instance.clone(),
                zone: self.plan.zone.as_deref().map(str::to_owned),
                address: self
                    .run
                    .as_ref()
                    .map_or_else(String::new, |run| run.address.to_string()),
                pid: process.map(|run| run.process.pid),
                pid_start: process.map(|run| run.process.start),
                release: latest.and_then(|run| run.release.clone()),
                state: state.0,
                reason: state.1,
                since: self.since,
                restarts: self.machine.restarts(),
                ejected: false,
                rotation: Rotation::Out,
                ejection: None,
                quarantine: None,
                in_flight: 0,
                verdict: None,
            },
            endpoint: latest.map(|run| SupervisedEndpoint {
                instance: self.plan.instance.clone(),
                address: run.address.into(),
                zone: self.plan.zone.clone(),
                admitted,
                degraded: self.machine.degraded(),
                doubtful: self.machine.state().0 == InstanceState::NotReady,
                weight: 1,
                backup: false,
                ready_since: self.ready_since,
                // No two processes of one boot share pid and start time.
                host: None,
                incarnation: run.process.start.rotate_left(24) ^ u64::from(run.process.pid),
            }),
            settled: !self.machine.resuming(),
        };
        if self.shared.registry.publish(entry) {
            self.shared.reporter.changed();
        }
    }
}
