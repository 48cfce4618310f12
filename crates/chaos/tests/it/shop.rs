//! A small system of real processes: it supervises, routes, detects, and tells a status.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ninefold_chaos::process::{Presence, Process};
use ninefold_chaos::{System, SystemError};
use ninefold_core::event::{Event, FaultNotice, Incident, IncidentState};
use ninefold_core::id::InstanceId;
use ninefold_core::status::{
    InstanceState, InstanceStatus, ListenerStatus, NodeStatus, PoolStatus, Rotation, RouteStatus,
    ServiceStatus,
};
use ninefold_core::taxonomy::FailureClass;
use ninefold_core::time::Timestamp;
use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use super::fixture::{eventually_async, program};
use super::{gateway, rack};

/// How the system behaves.
#[derive(Clone, Debug)]
pub(crate) struct Behaviour {
    pub(crate) replicas: u32,
    /// Whether the gateway tries another instance.
    pub(crate) retry: bool,
    /// Whether a dead instance is started again.
    pub(crate) restarts: bool,
    /// Whether a stopped instance is killed.
    pub(crate) heals_hangs: bool,
    /// Where the instances keep orders: `memory`, or a folder.
    pub(crate) store: String,
    /// Every answer of the gateway, instead of the instances'.
    pub(crate) answer: Option<u16>,
    /// What the status says of start times, to feign a reused pid.
    pub(crate) start_offset: u64,
    /// Nodes that run the instances, in turn; none: the system is one that is alone.
    pub(crate) nodes: u32,
    /// Whether nodes take note of each other's deaths.
    pub(crate) convicts: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            replicas: 3,
            retry: true,
            restarts: true,
            heals_hangs: true,
            store: "memory".to_owned(),
            answer: None,
            start_offset: 0,
            nodes: 0,
            convicts: true,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) instances: Vec<InstanceStatus>,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) faults: Vec<FaultNotice>,
    /// Every announced fault and how it ended.
    pub(crate) ended: Vec<(String, String)>,
    pub(crate) announced: Vec<FaultNotice>,
    pub(crate) route: RouteStatus,
    /// The nodes, if there are several.
    pub(crate) rack: rack::Rack,
}

/// The running system. Its processes end with it.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) behaviour: Behaviour,
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) address: std::net::SocketAddr,
    _tasks: JoinSet<()>,
}

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_nanos(u64::try_from(since.as_nanos()).unwrap())
}

impl Shop {
    /// Starts everything and waits until every instance is ready.
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let mut tasks = JoinSet::new();
        for node in 0..behaviour.nodes {
            state.lock().unwrap().rack.add(node);
            let convicts = behaviour.convicts;
            tasks.spawn(rack::supervise(Arc::clone(&state), node, convicts));
        }
        for ordinal in 0..behaviour.replicas {
            let mut instance = instance(ordinal);
            let node = ordinal.checked_rem(behaviour.nodes);
            instance.node = node.map(rack::name);
            state.lock().unwrap().instances.push(instance);
            tasks.spawn(supervise(behaviour.clone(), Arc::clone(&state), ordinal));
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tasks.spawn(gateway::run(
            listener,
            behaviour.clone(),
            Arc::clone(&state),
        ));
        let shop = Self {
            behaviour,
            state,
            address,
            _tasks: tasks,
        };
        eventually_async("every instance is ready", || {
            let ready = |i: &InstanceStatus| i.state == InstanceState::Ready;
            shop.lock().instances.iter().all(ready)
        })
        .await;
        shop
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The processes that run now.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let state = self.lock();
        let of = |i: &InstanceStatus| {
            Some(Process {
                pid: i.pid?,
                start: i.pid_start?,
            })
        };
        state.instances.iter().filter_map(of).collect()
    }
}

fn instance(ordinal: u32) -> InstanceStatus {
    InstanceStatus {
        node: None,
        service: "web".to_owned(),
        instance: InstanceId::new("web", ordinal),
        zone: Some(if ordinal.is_multiple_of(2) { "a" } else { "b" }.to_owned()),
        address: String::new(),
        pid: None,
        pid_start: None,
        release: None,
        state: InstanceState::Starting,
        reason: None,
        since: now(),
        restarts: 0,
        ejected: false,
        rotation: Rotation::Out,
        ejection: None,
        quarantine: None,
        in_flight: 0,
        verdict: None,
    }
}

async fn supervise(behaviour: Behaviour, state: Arc<Mutex<State>>, ordinal: u32) {
    let at = usize::try_from(ordinal).unwrap();
    loop {
        if let Some(node) = ordinal.checked_rem(behaviour.nodes) {
            rack::is_up(&state, node).await;
        }
        let (mut child, port) = spawn(&behaviour.store).await;
        let process = Process::find(child.id().unwrap()).unwrap();
        {
            let mut state = state.lock().unwrap();
            let instance = &mut state.instances[at];
            instance.pid = Some(process.pid);
            instance.pid_start = Some(process.start);
            instance.address = format!("127.0.0.1:{port}");
            instance.state = InstanceState::Ready;
            instance.rotation = Rotation::In;
            instance.since = now();
            let id = instance.instance.clone();
            close(&mut state, &id);
        }
        let class = until_dead(&behaviour, &mut child, process).await;
        {
            let mut state = state.lock().unwrap();
            let instance = &mut state.instances[at];
            instance.pid = None;
            instance.pid_start = None;
            instance.state = InstanceState::BackingOff;
            instance.rotation = Rotation::Out;
            instance.since = now();
            instance.restarts += 1;
            let id = instance.instance.clone();
            open(&mut state, &id, class);
        }
        if !behaviour.restarts {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn spawn(store: &str) -> (Child, u16) {
    let mut child = Command::new(program())
        .args(["server", store])
        .stdout(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = lines.next_line().await.unwrap().unwrap().parse().unwrap();
    (child, port)
}

/// Ends when the process did; a stopped one is killed if the system heals that.
async fn until_dead(behaviour: &Behaviour, child: &mut Child, process: Process) -> FailureClass {
    let mut class = FailureClass::CrashStop;
    let mut stopped_looks = 0;
    loop {
        tokio::select! {
            end = child.wait() => {
                end.unwrap();
                return class;
            }
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
        let stopped = process.presence() == Presence::Stopped;
        stopped_looks = if stopped { stopped_looks + 1 } else { 0 };
        if stopped_looks == 5 && behaviour.heals_hangs {
            class = FailureClass::Timing;
            process.signal(Signal::KILL).unwrap();
        }
    }
}

fn open(state: &mut State, id: &InstanceId, class: FailureClass) {
    let injected = state.faults.iter().find(|fault| fault.targets.contains(id));
    let incident = Incident {
        id: format!("inc-{}", state.incidents.len() + 1),
        class,
        state: IncidentState::Open,
        domain: format!("instance {id}"),
        verdicts: Vec::new(),
        injected: injected.map(|fault| fault.id.clone()),
        injection: None,
        onset: now(),
        detected: now(),
        isolated: Some(now()),
        recovered: None,
        impact: Vec::new(),
        opinions: Vec::new(),
        changes: Vec::new(),
        actions: Vec::new(),
        merged_into: None,
    };
    state.incidents.push(incident);
}

fn close(state: &mut State, id: &InstanceId) {
    let domain = format!("instance {id}");
    for incident in state.incidents.iter_mut().filter(|i| i.domain == domain) {
        incident.state = IncidentState::Closed;
    }
}

impl System for Shop {
    async fn status(&self) -> Result<NodeStatus, SystemError> {
        let state = self.lock();
        let mut instances = state.instances.clone();
        for instance in &mut instances {
            let offset = self.behaviour.start_offset;
            instance.pid_start = instance.pid_start.map(|start| start + offset);
        }
        Ok(NodeStatus {
            node: None,
            members: Vec::new(),
            gossip: None,
            cluster: "test".to_owned(),
            version: "0".to_owned(),
            pid: std::process::id(),
            started: Timestamp::ZERO,
            at: now(),
            config: String::new(),
            phase: "running".to_owned(),
            listeners: vec![ListenerStatus {
                scheme: "http".to_owned(),
                address: self.address.to_string(),
                egress: false,
                tls: false,
                connections: 0,
            }],
            services: vec![ServiceStatus {
                overload: None,
                breaker: None,
                source: None,
                pool: PoolStatus::default(),
                service: "web".to_owned(),
                supervised: true,
                desired: self.behaviour.replicas,
                ready: 0,
                failures_left: 0,
                zone_failures_left: 0,
                node_failures_left: None,
            }],
            instances,
            routes: vec![state.route.clone()],
            slos: Vec::new(),
            open_incidents: Vec::new(),
            reliability: Vec::new(),
            opinions: Vec::new(),
            faults: state.faults.clone(),
            degraded: Vec::new(),
        })
    }

    async fn events(&self, _after: u64) -> Result<Vec<Event>, SystemError> {
        Ok(Vec::new())
    }

    async fn incidents(&self) -> Result<Vec<Incident>, SystemError> {
        Ok(self.lock().incidents.clone())
    }

    async fn announce(&self, notice: &FaultNotice) -> Result<(), SystemError> {
        let mut state = self.lock();
        state.faults.push(notice.clone());
        state.announced.push(notice.clone());
        Ok(())
    }

    async fn end_fault(&self, id: &str, how: &str) -> Result<(), SystemError> {
        let mut state = self.lock();
        state.faults.retain(|fault| fault.id != id);
        state.ended.push((id.to_owned(), how.to_owned()));
        Ok(())
    }
}

/// A folder for orders that outlive their instance.
pub(crate) fn folder(store: &tempfile::TempDir) -> String {
    let path: PathBuf = store.path().join("orders");
    std::fs::create_dir_all(&path).unwrap();
    path.to_string_lossy().into_owned()
}
