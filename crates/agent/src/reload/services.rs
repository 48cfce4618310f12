//! Services while a reload goes on: who is supervised by which file, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ninefold_config::model::{self, File, Name, Service, ServiceKind};
use ninefold_core::address::Address;
use ninefold_core::id::InstanceId;
use ninefold_core::status::InstanceState;
use ninefold_supervise::{Addresses, Options, Place, StartError, Supervisor};

use crate::begin::{GatewayTls, JournalRecorder, service_addresses};
use crate::control::Handle;
use crate::node::FIRST_LOOK_MAX;

/// What is added may take this long until it is ready, a `prepare` that builds it included.
pub(super) const ADDED_READY_MAX: Duration = Duration::from_secs(20 * 60);

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A file and what its services are told of each other's addresses.
#[derive(Clone, Debug)]
pub(super) struct Supervised {
    pub(super) file: Arc<File>,
    pub(super) addresses: Addresses,
}

impl Supervised {
    pub(super) fn new(file: Arc<File>, bound: &[Address]) -> Self {
        let addresses = service_addresses(&file, bound);
        Self { file, addresses }
    }

    /// This one, and what only `other` has.
    pub(super) fn and(&self, other: &Self) -> Self {
        let mut file = File::clone(&self.file);
        for (name, service) in &other.file.services {
            let services = &mut file.services;
            services
                .entry(name.clone())
                .or_insert_with(|| service.clone());
        }
        Self {
            file: Arc::new(file),
            addresses: self.addresses.and(&other.addresses),
        }
    }

    /// Whether a supervisor that follows this one does all that `other` asks for.
    pub(super) fn satisfies(&self, other: &Self) -> bool {
        let of = |file: &File| {
            let services = file.services.iter();
            let of = |service: &Service| (service.kind.clone(), service.health.clone());
            let services: BTreeMap<_, _> = services
                .map(|(name, one)| (name.clone(), of(one)))
                .collect();
            (
                services,
                file.cluster.zones.clone(),
                file.folder(),
                file.node.ports,
                file.node.log_size,
            )
        };
        of(&self.file) == of(&other.file) && self.addresses == other.addresses
    }

    fn instances(&self) -> BTreeSet<InstanceId> {
        let services = self.file.services.iter();
        let of = |(name, service): (&Name, &Service)| {
            let count = match &service.kind {
                ServiceKind::Supervised(supervised) => supervised.replicas,
                ServiceKind::External(external) => {
                    u32::try_from(external.endpoints.len()).unwrap_or(u32::MAX)
                }
            };
            let name = name.shared();
            (0..count).map(move |ordinal| InstanceId::new(Arc::clone(&name), ordinal))
        };
        services.flat_map(of).collect()
    }
}

/// Goes on with a supervisor that follows `to`. Whom it does not have any more is out of routing and
/// has nothing under way before it is stopped.
pub(super) async fn supervise(
    handle: &Handle,
    from: &Supervised,
    to: &Supervised,
) -> Result<(), StartError> {
    let leaving: BTreeSet<InstanceId> = from
        .instances()
        .difference(&to.instances())
        .cloned()
        .collect();
    let drain =
        leaving
            .iter()
            .filter_map(|gone| match &from.file.services.get(&*gone.service)?.kind {
                ServiceKind::Supervised(supervised) => Some(supervised.stop.drain.0),
                ServiceKind::External(_) => None,
            });
    let limit = Instant::now() + drain.max().unwrap_or_default();
    handle.lock().let_leave(leaving);
    while handle.lock().is_busy() && Instant::now() < limit {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let before = {
        let mut control = handle.lock();
        control.hold();
        control.judge(&to.file);
        control.parts.supervisor.clone()
    };
    before.leave().await;
    let launch = handle.launch();
    let (journal, gateway) = {
        let control = handle.lock();
        let parts = &control.parts;
        (parts.journal.clone(), Arc::clone(&parts.gateway))
    };
    let next = Supervisor::start(Options {
        file: Arc::clone(&to.file),
        state: launch.state.path().to_owned(),
        keeper: launch.keeper.clone(),
        addresses: to.addresses.clone(),
        reports: launch.reports.clone(),
        journal: Arc::new(JournalRecorder(journal)),
        tls: Some(Arc::new(GatewayTls(gateway))),
        place: launch.place.clone(),
    })
    .await;
    let next = match next {
        Ok(next) => next,
        Err(error) => {
            handle.lock().release();
            return Err(error);
        }
    };
    handle.lock().parts.supervisor = next.clone();
    if !next.settled(FIRST_LOOK_MAX).await {
        tracing::warn!("some endpoints have not answered a probe yet; serving without them");
    }
    let mut control = handle.lock();
    control.let_leave(BTreeSet::new());
    control.release();
    Ok(())
}

/// How many replicas of a service must be ready here: a node waits for no more than it has.
fn enough(place: Option<&Place>, name: &Name, supervised: &model::Supervised) -> u32 {
    let enough = supervised.min_ready.max(1);
    let Some(place) = place else {
        return enough;
    };
    let all = (0..supervised.replicas).map(|ordinal| InstanceId::new(name.shared(), ordinal));
    let here = all.filter(|one| place.is_home(one, supervised)).count();
    enough.min(u32::try_from(here).unwrap_or(u32::MAX))
}

/// Waits until every service that only `new` has can serve.
pub(super) async fn added_ready(handle: &Handle, old: &File, new: &File) -> Result<(), String> {
    let end = Instant::now() + ADDED_READY_MAX;
    let place = handle.launch().place.as_ref();
    let added = |service: &str| !old.services.contains_key(service);
    loop {
        let instances = handle.lock().parts.supervisor.instances();
        let mut waits = None;
        for (name, service) in new.services.iter().filter(|(name, _)| added(name)) {
            let of = || instances.iter().filter(|one| *one.service == **name);
            let ready = of().filter(|one| one.state == InstanceState::Ready).count();
            let ServiceKind::Supervised(supervised) = &service.kind else {
                // Whether it answers is not ours to decide; that it was asked is waited for.
                continue;
            };
            let enough = enough(place, name, supervised);
            if ready >= usize::try_from(enough).unwrap_or(usize::MAX) {
                continue;
            }
            if let Some(looping) = of().find(|one| one.state == InstanceState::CrashLoop) {
                let why = looping.reason.clone().unwrap_or_default();
                return Err(format!("{} does not start: {why}", looping.instance));
            }
            waits = Some(format!(
                "service {name} is not ready within {ADDED_READY_MAX:?}"
            ));
        }
        match waits {
            None => return Ok(()),
            Some(why) if Instant::now() >= end => return Err(why),
            Some(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}
