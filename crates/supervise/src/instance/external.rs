//! One endpoint of a service that runs elsewhere: resolved and probed, never started.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ninefold_config::model::{Endpoint, Health};
use ninefold_core::address::Address;
use ninefold_core::event::EventKind;
use ninefold_core::hash::fnv1a;
use ninefold_core::id::InstanceId;
use ninefold_core::observation::Seen;
use ninefold_core::policy::{Backoff, Jitter};
use ninefold_core::rng::Rng;
use ninefold_core::status::{InstanceState, InstanceStatus, Rotation};
use ninefold_core::time::{Timestamp, nanos};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::clock::{monotonic, wall};
use crate::probe::{Probed, Target, probe_forever};
use crate::registry::{Entry, SupervisedEndpoint};
use crate::shared::Shared;

use super::degraded;
use super::gates::{Change, Gates};

/// Waits between two tries to resolve a name.
const RESOLVE: Backoff = Backoff::exponential(Duration::from_millis(500), Duration::from_secs(10))
    .with_jitter(Jitter::Equal);
/// A resolver that does not answer.
const RESOLVE_PATIENCE: Duration = Duration::from_secs(5);

/// Watches one external endpoint.
#[derive(Debug)]
pub(crate) struct ExternalDriver {
    shared: Shared,
    instance: InstanceId,
    endpoint: Endpoint,
    host: Option<Arc<str>>,
    health: Health,
    rng: Rng,
    address: Option<Address>,
    ready_since: Option<Instant>,
    unready_since: Timestamp,
    reason: Option<String>,
    degraded: Option<String>,
    since: Timestamp,
    was_ready: bool,
    /// Whether anything is known of it yet.
    tried: bool,
}

impl ExternalDriver {
    pub(crate) fn new(
        shared: Shared,
        instance: InstanceId,
        endpoint: Endpoint,
        health: Health,
    ) -> Self {
        let seed = wall().as_nanos() ^ fnv1a(instance.to_string().as_bytes());
        Self {
            shared,
            instance,
            endpoint,
            host: None,
            health,
            rng: Rng::new(seed),
            address: None,
            ready_since: None,
            unready_since: monotonic(),
            reason: None,
            degraded: None,
            since: wall(),
            was_ready: false,
            tried: false,
        }
    }

    /// Whose certificate is expected, where that is not the host of its address.
    pub(crate) fn host(mut self, host: Option<Arc<str>>) -> Self {
        self.host = host;
        self
    }

    /// It was ready before, since then, and goes on being so until a probe says otherwise.
    pub(crate) fn ready_since(mut self, since: Option<Instant>) -> Self {
        self.was_ready = since.is_some();
        self.address = self.endpoint.address.parse().ok();
        self.ready_since = since.filter(|_| self.address.is_some());
        self
    }

    /// Resolves and probes until it is dropped. To be published before.
    pub(crate) async fn run(mut self) {
        self.observe(Seen::Started {
            pid: None,
            adopted: false,
        })
        .await;
        loop {
            let address = self.resolve().await;
            self.address = Some(address.clone());
            self.publish();
            self.probe(address).await;
        }
    }

    async fn resolve(&mut self) -> Address {
        if let Ok(address) = self.endpoint.address.parse() {
            return address;
        }
        let mut attempt = 0;
        loop {
            let lookup = tokio::net::lookup_host(self.endpoint.address.clone());
            let error = match tokio::time::timeout(RESOLVE_PATIENCE, lookup).await {
                Ok(Ok(mut addresses)) => match addresses.next() {
                    Some(address) => return address.into(),
                    None => "it has no address".to_owned(),
                },
                Ok(Err(error)) => error.to_string(),
                Err(_elapsed) => "the resolver does not answer".to_owned(),
            };
            let reason = format!("{}: {error}", self.endpoint.address);
            if self.reason.as_ref() != Some(&reason) {
                let (instance, reason) = (self.instance.clone(), reason.clone());
                let event = EventKind::InstanceNotReady { instance, reason };
                self.shared.journal.record(event);
            }
            self.reason = Some(reason);
            self.tried = true;
            self.publish();
            let wait = RESOLVE.wait(attempt, None, &mut self.rng);
            attempt = attempt.saturating_add(1);
            tokio::time::sleep(wait).await;
        }
    }

    /// Probes `address` as long as the name leads there. A name that leads elsewhere after a
    /// failure is followed.
    async fn probe(&mut self, address: Address) {
        let mut gates = Gates::external(&self.health);
        let (results, mut probed) = mpsc::channel::<Probed>(8);
        let mut tasks = JoinSet::new();
        for (kind, probe) in gates.wanted(Timestamp::ZERO) {
            let target = Target {
                address: address.clone(),
                spec: None,
                command: Vec::new(),
                identity: self.shared.identity(&self.instance, self.host.clone()),
            };
            let rng = Rng::new(self.rng.next_u64());
            let results = results.clone();
            let probe = probe.clone();
            tasks.spawn(probe_forever(
                kind,
                probe,
                target,
                Duration::ZERO,
                rng,
                results,
                |probed| probed,
            ));
        }
        drop(results);
        while let Some(Probed { kind, attempt }) = probed.recv().await {
            let (change, seen) = gates.count(kind, &attempt, None, false, monotonic());
            if let Some(seen) = seen {
                self.observe(seen).await;
            }
            match change {
                Some(Change::Ready) => self.ready().await,
                Some(Change::NotReady { reason } | Change::Failed { reason, .. }) => {
                    self.not_ready(reason);
                    if self.resolve().await != address {
                        return;
                    }
                }
                None => {}
            }
            let news = degraded::heard(&mut self.degraded, &self.instance, kind, &attempt);
            let changed = news.is_some();
            news.into_iter()
                .for_each(|event| self.shared.journal.record(event));
            if changed || !self.tried {
                self.tried = true;
                self.publish();
            }
        }
    }

    async fn ready(&mut self) {
        if self.ready_since.is_none() {
            self.ready_since = Some(Instant::now());
        }
        self.was_ready = true;
        self.reason = None;
        self.since = wall();
        self.publish();
        let after_ns = nanos(monotonic().since(self.unready_since));
        let instance = self.instance.clone();
        let event = EventKind::InstanceReady { instance, after_ns };
        self.shared.journal.record(event);
        self.observe(Seen::Ready).await;
    }

    fn not_ready(&mut self, reason: String) {
        if self.ready_since.take().is_some() || !self.was_ready {
            self.since = wall();
        }
        self.unready_since = monotonic();
        self.reason = Some(reason.clone());
        self.publish();
        let instance = self.instance.clone();
        let event = EventKind::InstanceNotReady { instance, reason };
        self.shared.journal.record(event);
    }

    async fn observe(&self, seen: Seen) {
        self.shared.reporter.observe(&self.instance, seen).await;
    }

    /// Publishes what changed.
    pub(crate) fn publish(&self) {
        let state = match (self.ready_since, self.was_ready || self.reason.is_some()) {
            (Some(_), _) => InstanceState::Ready,
            (None, true) => InstanceState::NotReady,
            (None, false) => InstanceState::Starting,
        };
        let zone = self.endpoint.zone.as_ref();
        let entry = Entry {
            status: InstanceStatus {
                node: None,
                service: self.instance.service.to_string(),
                instance: self.instance.clone(),
                zone: zone.map(ToString::to_string),
                address: self.endpoint.address.clone(),
                pid: None,
                pid_start: None,
                release: None,
                state,
                reason: match &self.degraded {
                    Some(how) if self.ready_since.is_some() => Some(degraded::reason(how)),
                    _ => self.reason.clone(),
                },
                since: self.since,
                restarts: 0,
                ejected: false,
                rotation: Rotation::Out,
                ejection: None,
                quarantine: None,
                in_flight: 0,
                verdict: None,
            },
            endpoint: self.address.clone().map(|address| SupervisedEndpoint {
                instance: self.instance.clone(),
                address,
                zone: zone.map(|zone| Arc::from(&**zone)),
                admitted: self.ready_since.is_some(),
                degraded: self.ready_since.is_some() && self.degraded.is_some(),
                doubtful: self.ready_since.is_none() && self.was_ready,
                weight: self.endpoint.weight,
                backup: self.endpoint.backup,
                ready_since: self.ready_since,
                host: self.host.clone(),
                incarnation: 0,
            }),
            settled: self.tried,
        };
        if self.shared.registry.publish(entry) {
            self.shared.reporter.changed();
        }
    }
}
