//! The process that holds the nodes.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ninefold_agent::{AdminClient, NodeRecord, ReloadRequest, StateFolder, StateLock};
use ninefold_cluster::placement::Placement;
use ninefold_config::{LoopbackError, at_loopback, model};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::child::{Ended, Node, Order};
use super::folder::has_instances;
use super::gossip;
use crate::args::{NodeOf, Output, UpArgs};
use crate::commands::node::failed;
use crate::commands::systemd::tell as tell_systemd;
use crate::commands::up::input_ended;
use crate::exit::Exit;

/// Nodes whose parent was killed have stopped by then.
const FORMER_MAX: Duration = Duration::from_secs(60);

const LOOK_EVERY: Duration = Duration::from_millis(50);

type Problem = Box<dyn std::error::Error>;

/// Runs `nodes` nodes until told to stop.
pub(in crate::commands) async fn run(args: &UpArgs, file: &model::File, nodes: u32) -> Exit {
    match hold(args, file, nodes).await {
        Ok(exit) => exit,
        Err(problem) => failed(problem),
    }
}

async fn hold(args: &UpArgs, file: &model::File, nodes: u32) -> Result<Exit, Problem> {
    let zones = file.cluster.zones.iter().map(model::Name::shared);
    let fits = Placement::new(nodes, zones);
    fits.map_err(|error| format!("{}: {error}", file.path.display()))?;
    // If the first can have it, so can all.
    at_loopback(file, 0).map_err(|errors| said(&file.path, &errors))?;
    let mut signals = Signals::new()?;
    let state = StateFolder::of(file, args.state.as_deref());
    let _lock = take(&state, file, nodes).await?;
    let folders: Vec<PathBuf> = (1..=nodes)
        .map(|number| state.node(number).path().to_owned())
        .collect();
    ninefold_trust::local::prepare(&folders, &file.cluster.name)?;
    let port = gossip::free_port(nodes, file.node.ports)?;
    let (order, orders) = watch::channel(Order::Run);
    let mut kept = JoinSet::new();
    for number in 1..=nodes {
        let node = Node {
            number,
            state: state.node(number),
            program: std::env::current_exe()?.into_os_string(),
            arguments: arguments(args, &state, NodeOf { number, nodes }, port),
        };
        kept.spawn(node.keep(orders.clone()));
    }
    drop(orders);
    tracing::info!(
        "{nodes} nodes of {}, state in {}",
        file.cluster.name,
        state.path().display()
    );
    let ends = attend(&mut kept, &order, &mut signals, (&state, args.tied)).await;
    tell_systemd("STOPPING=1\n");
    if *order.borrow() == Order::Leave {
        tracing::warn!(
            "left at once: services may still run; the next `ninefold up --nodes` adopts them, `ninefold stop` stops them"
        );
        return Ok(Exit::Failed);
    }
    sweep(&state).await?;
    Ok(exit_of(&ends))
}

/// What the parent is told.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// The terminal that started us may go: the file is read again then.
    hangup: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

/// What a node is called with.
fn arguments(args: &UpArgs, all: &StateFolder, node: NodeOf, port: u16) -> Vec<OsString> {
    let NodeOf { number, nodes } = node;
    let mut arguments: Vec<OsString> = vec![
        "up".into(),
        "--tied".into(),
        "--place".into(),
        format!("{number}/{nodes}").into(),
        "--state".into(),
        all.node(number).path().into(),
    ];
    let gossip = gossip::address(number, port).into_iter();
    let seeds = gossip::seeds(nodes, number, port).into_iter();
    let gossip = gossip.map(|address| ("--gossip", address));
    for (name, address) in gossip.chain(seeds.map(|address| ("--seed", address))) {
        arguments.extend([name.into(), address.to_string().into()]);
    }
    if args.log_format == Output::Json {
        arguments.extend(["--log-format".into(), "json".into()]);
    }
    if args.quiet {
        arguments.push("--quiet".into());
    }
    arguments.push(absolute(&args.file).into());
    arguments
}

/// Waits until every node has ended for good; passes on what the parent is told meanwhile.
async fn attend(
    kept: &mut JoinSet<Ended>,
    order: &watch::Sender<Order>,
    signals: &mut Signals,
    (state, tied): (&StateFolder, bool),
) -> Vec<Ended> {
    let mut ends = Vec::new();
    let mut starter_gone = Box::pin(input_ended(tied));
    let mut is_tied = tied;
    let mut serve = Box::pin(serving(state.clone(), kept.len()));
    let mut serving = false;
    loop {
        tokio::select! {
            ended = kept.join_next() => match ended {
                None => return ends,
                Some(Err(error)) => tracing::error!(%error, "a node is not kept any more"),
                Some(Ok(ended)) => {
                    ends.push(ended);
                    if let Ended::NeverBegan(_) = ended {
                        tracing::error!("the others are stopped: a node did not begin");
                        raise(order, Order::Stop);
                    }
                }
            },
            () = &mut serve, if !serving => {
                serving = true;
                tell_systemd(&format!("READY=1\nMAINPID={}\n", std::process::id()));
            }
            () = &mut starter_gone, if is_tied => {
                is_tied = false;
                told(order, "its starter is gone", tied);
            }
            _ = signals.interrupt.recv() => told(order, "SIGINT", tied),
            _ = signals.terminate.recv() => told(order, "SIGTERM", tied),
            _ = signals.hangup.recv() => drop(tokio::spawn(reload(state.clone()))),
        }
    }
}

/// The first signal stops in order, the second leaves at once; not if they are `tied`, since nobody would adopt
/// what they leave.
fn told(order: &watch::Sender<Order>, what: &str, tied: bool) {
    if tied {
        tracing::info!("stopping in order ({what})");
        raise(order, Order::Stop);
        return;
    }
    if *order.borrow() >= Order::Stop {
        raise(order, Order::Leave);
        return;
    }
    tracing::info!(
        "stopping in order ({what}); another Ctrl-C leaves at once and lets the services run"
    );
    raise(order, Order::Stop);
}

fn raise(order: &watch::Sender<Order>, to: Order) {
    order.send_modify(|order| *order = to.max(*order));
}

/// Resolves once as many nodes run.
async fn serving(state: StateFolder, nodes: usize) {
    loop {
        let mut running = 0;
        for (_, node) in state.nodes() {
            let status = AdminClient::new(&node).status().await;
            running += usize::from(status.is_ok_and(|status| status.phase == "running"));
        }
        if running >= nodes {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Has the nodes read their file again, one after another; the first that does not is the last.
async fn reload(state: StateFolder) {
    for (number, node) in state.nodes() {
        if !node.is_running() {
            continue;
        }
        let (client, request) = (AdminClient::new(&node), ReloadRequest::default());
        match client.reload(&request).await {
            Ok(report) => {
                let text = crate::commands::reload::text(&report);
                tracing::info!("SIGHUP: n{number}: {}", text.trim_end());
            }
            Err(error) => {
                tracing::error!("SIGHUP: n{number}: nothing was changed: {error}");
                return;
            }
        }
    }
}

/// Takes the folder, once nothing of those before is in the way: nodes whose parent was killed stop
/// by themselves, and what runs where no node will be is stopped.
async fn take(state: &StateFolder, file: &model::File, nodes: u32) -> Result<StateLock, Problem> {
    if !state.is_running() && has_instances(state) {
        ninefold_agent::stop_left_behind(state).await?;
    }
    let lock = state.hold(&NodeRecord {
        pid: std::process::id(),
        cluster: file.cluster.name.to_string(),
        file: absolute(&file.path),
        admin: None,
        ports: Vec::new(),
        nodes: Some(nodes),
    })?;
    let end = Instant::now() + FORMER_MAX;
    for (number, node) in state.nodes() {
        while node.is_running() {
            if Instant::now() >= end {
                return Err(format!(
                    "node n{number} of an earlier `up --nodes` still runs; end it with `ninefold stop --state {}`",
                    node.path().display()
                )
                .into());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        if number > nodes && has_instances(&node) {
            ninefold_agent::stop_left_behind(&node).await?;
        }
    }
    Ok(lock)
}

/// Stops what nodes that were killed left running.
async fn sweep(state: &StateFolder) -> Result<(), Problem> {
    for (number, node) in state.nodes() {
        if !has_instances(&node) {
            continue;
        }
        let left = ninefold_agent::stop_left_behind(&node).await?;
        if left > 0 {
            tracing::warn!("n{number} was gone; stopped {left} instances that it left running");
        }
    }
    Ok(())
}

/// What is in the way of a file, in words.
pub(in crate::commands) fn said(path: &Path, errors: &[LoopbackError]) -> String {
    let errors = errors
        .iter()
        .map(|error| format!("{}: {error}", path.display()));
    errors.collect::<Vec<_>>().join("\n")
}

fn exit_of(ends: &[Ended]) -> Exit {
    let refused = ends.iter().find_map(|ended| match ended {
        Ended::NeverBegan(code) => Some(*code),
        Ended::InOrder | Ended::Gone => None,
    });
    match refused {
        None => Exit::Ok,
        Some(Some(1)) => Exit::No,
        Some(_) => Exit::Failed,
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
