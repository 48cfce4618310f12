//! From options to running drivers: who is adopted, started, replaced or stopped.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ninefold_config::model::{External, File, Health, Service, ServiceKind, Supervised};
use ninefold_core::id::InstanceId;
use tokio::sync::{mpsc, oneshot};

use crate::adoption::{Found, examine};
use crate::disk::Folder;
use crate::instance::{Command, Driver, ExternalDriver};
use crate::launch::{Addresses, Plan, Ports};
use crate::leaver;
use crate::place::Place;
use crate::prepare::{self, Gate, Prepare};
use crate::registry::Registry;
use crate::report::Reporter;
use crate::rolling::{self, Replacement};
use crate::shared::Shared;
use crate::source::SourceDriver;
use crate::supervisor::{Member, Options, StartError, Tasks};

/// Commands to one instance that wait at most.
const COMMANDS_MAX: usize = 8;

type Started = (Arc<Registry>, BTreeMap<InstanceId, Member>, Tasks);

/// One replica of the file, and what is left of it on disk.
struct Replica {
    plan: Plan,
    health: Health,
    found: Found,
    /// It runs, but not as the file says.
    outdated: bool,
}

struct Startup {
    shared: Shared,
    file: Arc<File>,
    addresses: Arc<Addresses>,
    place: Option<Place>,
    members: BTreeMap<InstanceId, Member>,
    tasks: Tasks,
    gates: BTreeMap<Prepare, Gate>,
    replacements: Vec<Replacement>,
    adopted: Vec<oneshot::Receiver<()>>,
}

/// Starts everything; see [`crate::Supervisor::start`].
pub(crate) async fn start(options: Options) -> Result<Started, StartError> {
    if options.keeper.is_empty() {
        return Err(StartError::NoKeeper);
    }
    let state = state_folder(&options.state).map_err(|source| StartError::State {
        path: options.state.clone(),
        source,
    })?;
    let file = options.file;
    let host = options
        .place
        .as_ref()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |place| place.address);
    let shared = Shared {
        ports: Arc::new(Ports::new(host, file.node.ports, &state)),
        state,
        keeper: options.keeper.into(),
        registry: Arc::new(Registry::new()),
        reporter: Reporter::new(options.reports),
        journal: options.journal,
        tls: options.tls,
    };
    let mut startup = Startup {
        shared,
        file: Arc::clone(&file),
        addresses: Arc::new(options.addresses),
        place: options.place,
        members: BTreeMap::new(),
        tasks: Tasks::default(),
        gates: BTreeMap::new(),
        replacements: Vec::new(),
        adopted: Vec::new(),
    };
    let reporter = startup.shared.reporter.clone();
    startup.tasks.background.spawn(reporter.run());
    prepare::end_former(&startup.shared).await;
    startup.stop_leavers();
    let services: Vec<_> = file
        .services
        .iter()
        .map(|(name, service)| startup.service(&name.shared(), service))
        .collect();
    for replicas in services {
        startup.supervise(replicas);
    }
    for adopted in startup.adopted {
        adopted.await.ok();
    }
    // Now all of them are in the registry: who is missing there would be waited for by nobody.
    let replace = rolling::replace(startup.shared.clone(), startup.replacements);
    startup.tasks.background.spawn(replace);
    Ok((startup.shared.registry, startup.members, startup.tasks))
}

impl Startup {
    /// External endpoints are watched at once. Replicas are only looked at, and hold their ports,
    /// until all are known.
    fn service(&mut self, name: &Arc<str>, service: &Service) -> Vec<Replica> {
        match &service.kind {
            ServiceKind::External(External {
                source: Some(source),
                ..
            }) => {
                let (shared, name) = (self.shared.clone(), Arc::clone(name));
                let folder = self.file.folder();
                let driver =
                    SourceDriver::new(shared, name, source, service.health.clone(), &folder);
                driver.publish();
                self.tasks.background.spawn(driver.run());
                Vec::new()
            }
            ServiceKind::External(external) => {
                for (ordinal, endpoint) in (0..).zip(&external.endpoints) {
                    let driver = ExternalDriver::new(
                        self.shared.clone(),
                        InstanceId::new(Arc::clone(name), ordinal),
                        endpoint.clone(),
                        service.health.clone(),
                    );
                    driver.publish();
                    self.tasks.background.spawn(driver.run());
                }
                Vec::new()
            }
            ServiceKind::Supervised(supervised) => (0..supervised.replicas)
                .map(|ordinal| InstanceId::new(Arc::clone(name), ordinal))
                .filter(|instance| self.is_home(instance, supervised))
                .map(|instance| self.replica(instance, supervised, &service.health))
                .collect(),
        }
    }

    fn replica(&self, instance: InstanceId, supervised: &Supervised, health: &Health) -> Replica {
        let folder = Folder::of(&self.shared.state, &instance);
        let found = examine(&folder).unwrap_or_else(|error| {
            let text = format!("{instance} cannot be adopted: run.json or exit.json: {error}");
            self.shared.notice(text);
            Found::Nothing
        });
        if let Some(port) = Ports::remembered(&folder) {
            self.shared.ports.reserve(&instance, port);
        }
        let plan = Plan::new(
            Arc::clone(&self.file),
            supervised.clone(),
            instance,
            Arc::clone(&self.addresses),
        );
        let outdated = match &found {
            Found::Alive { run, .. } => {
                run.address.ip() != self.shared.ports.host()
                    || plan
                        .spec(run.address)
                        .is_ok_and(|spec| spec.hash() != run.spec)
            }
            Found::Nothing | Found::Ended { .. } => false,
        };
        Replica {
            plan,
            health: health.clone(),
            found,
            outdated,
        }
    }

    /// Starts the drivers of one service.
    fn supervise(&mut self, replicas: Vec<Replica>) {
        let settled = replicas
            .iter()
            .all(|replica| matches!(replica.found, Found::Alive { .. }) && !replica.outdated);
        for replica in replicas {
            let gate = if settled {
                Gate::open()
            } else {
                self.gate(&replica.plan)
            };
            let id = replica.plan.instance.clone();
            let stop = &replica.plan.supervised.stop;
            let stop_max = stop.drain.0 + stop.grace.0;
            let (commands, received) = mpsc::channel(COMMANDS_MAX);
            if replica.outdated {
                self.replacements.push(Replacement {
                    instance: id.clone(),
                    gate: gate.clone(),
                    commands: commands.clone(),
                });
            }
            self.members.insert(id, Member { commands, stop_max });
            self.drive(replica, received, gate);
        }
    }

    fn drive(&mut self, replica: Replica, commands: mpsc::Receiver<Command>, gate: Gate) {
        let mut driver = Driver::new(self.shared.clone(), replica.plan, replica.health, commands);
        let (done, adopted) = oneshot::channel();
        self.adopted.push(adopted);
        self.tasks.drivers.spawn(async move {
            driver.inherit(replica.found).await;
            // The receiver is gone only if the start was given up.
            done.send(()).ok();
            driver.run(gate).await;
        });
    }

    /// The gate of a service's `prepare`; the same command in the same folder runs once.
    fn gate(&mut self, plan: &Plan) -> Gate {
        let Some(command) = &plan.supervised.prepare else {
            return Gate::open();
        };
        let nowhere = SocketAddr::from((self.shared.ports.host(), 0));
        let prepare = Prepare {
            argv: plan
                .command(command, nowhere)
                .unwrap_or_else(|_| command.clone()),
            directory: plan.directory(),
        };
        if let Some(gate) = self.gates.get(&prepare) {
            return gate.clone();
        }
        let (gate, task) = prepare.clone().gate(self.shared.clone());
        self.tasks.background.spawn(task);
        self.gates.insert(prepare, gate.clone());
        gate
    }

    /// Stops what runs here and, by the file, should not.
    fn stop_leavers(&mut self) {
        let Ok(entries) = fs::read_dir(Folder::all(&self.shared.state)) else {
            return;
        };
        for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(instance) = name.and_then(Folder::instance) else {
                continue;
            };
            let folder = Folder::at(&path);
            if self.declared(&instance) {
                continue;
            }
            if let Ok(Found::Alive { run, .. }) = examine(&folder) {
                self.shared.ports.reserve(&instance, run.address.port());
                let shared = self.shared.clone();
                self.tasks
                    .drivers
                    .spawn(leaver::stop(shared, instance, folder, run));
            }
        }
    }

    /// Whether a replica of the file runs here.
    fn is_home(&self, instance: &InstanceId, supervised: &Supervised) -> bool {
        let place = self.place.as_ref();
        place.is_none_or(|place| place.is_home(instance, supervised))
    }

    /// Whether the file has it run here.
    fn declared(&self, instance: &InstanceId) -> bool {
        match self.file.services.get(&*instance.service) {
            Some(service) => match &service.kind {
                ServiceKind::Supervised(supervised) => {
                    instance.ordinal < supervised.replicas && self.is_home(instance, supervised)
                }
                ServiceKind::External(_) => false,
            },
            None => false,
        }
    }
}

/// Makes the folders, and their path absolute: keepers run elsewhere.
fn state_folder(path: &Path) -> io::Result<PathBuf> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(Folder::all(path))?;
    path.canonicalize()
}
