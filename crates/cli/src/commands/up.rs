//! `up`.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};

use ninefold_agent::supervise::Place;
use ninefold_agent::{ClusterOptions, HandOver, Node, NodeOptions, ReloadRequest, StateFolder};
use ninefold_cluster::placement::Placement;
use ninefold_config::{loopback_address, model};
use ninefold_core::event::{Event, EventKind};
use ninefold_trust::{Identity, SecretsFolder};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::node::failed;
use super::nodes;
use super::systemd::tell as tell_systemd;
use crate::args::{NodeOf, Output, UpArgs, node_number};
use crate::exit::Exit;
use crate::print;

type Failure = Box<dyn std::error::Error>;

/// Runs a node until it is told to stop.
pub(crate) async fn run(args: UpArgs) -> Exit {
    let outcome = ninefold_config::read(&args.file);
    let Some(file) = outcome.file.clone() else {
        print::note(ninefold_config::render(&outcome).trim_end());
        return Exit::No;
    };
    // Whoever started a node of several has said it already.
    if !outcome.findings.is_empty() && !args.quiet && args.place.is_none() {
        print::note(ninefold_config::render(&outcome).trim_end());
    }
    if let Err(error) = super::join::first(&args, &file).await {
        return failed(error);
    }
    let config = ninefold_agent::fingerprint(outcome.text());
    start_log(&args);
    raise_file_limit();
    if let Some(nodes) = args.nodes {
        return nodes::run(&args, &file, nodes).await;
    }
    match node(&args, file, config).await {
        Ok(exit) => exit,
        Err(error) => failed(error),
    }
}

async fn node(args: &UpArgs, file: model::File, config: String) -> Result<Exit, Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // The terminal that started us may go: the file is read again then, and the services go on.
    let mut hangup = signal(SignalKind::hangup())?;
    let state = StateFolder::of(&file, args.state.as_deref());
    let name = file.cluster.name.clone();
    let secrets = SecretsFolder::of_state(state.path());
    let identity = Identity::load(&secrets, ninefold_trust::now())?;
    let (file, place) = placed(args, file, identity.as_ref())?;
    let cluster = identity.map(|identity| cluster_options(args, &file, (identity, secrets)));
    let options = NodeOptions {
        config,
        file: Arc::new(file),
        cluster,
        keeper: vec![std::env::current_exe()?.into_os_string(), "keep".into()],
        arguments: again(args),
        place,
        on_event: Arc::new(event_log()),
        state: state.clone(),
    };
    let mut node = if args.take_over {
        Node::take_over(options).await?
    } else {
        Node::start(options).await?
    };
    greet(&node, &name, &state);
    let reason = loop {
        tell_systemd(&format!("READY=1\nMAINPID={}\n", std::process::id()));
        let taker = tokio::select! {
            _ = interrupt.recv() => break "SIGINT".to_owned(),
            _ = terminate.recv() => break "SIGTERM".to_owned(),
            reason = node.stop_asked() => break reason,
            () = input_ended(args.tied) => break "its starter is gone".to_owned(),
            () = reload_on(&mut hangup, &node) => break "SIGHUP cannot be received".to_owned(),
            taker = node.taker() => taker,
        };
        tracing::info!(
            "handing over to pid {}, version {}",
            taker.pid,
            taker.version
        );
        node = match node.hand_over(taker).await? {
            HandOver::Done => return Ok(Exit::Ok),
            HandOver::Kept(node, why) => {
                tracing::warn!("not handed over, and goes on: {why}");
                *node
            }
        };
    };
    tell_systemd("STOPPING=1\n");
    if args.tied {
        // Nobody would adopt the services of a cluster that ends with its starter.
        tracing::info!("stopping in order ({reason})");
        node.stop(&reason).await;
        return Ok(Exit::Ok);
    }
    tracing::info!(
        "stopping in order ({reason}); another Ctrl-C leaves at once and lets the services run"
    );
    tokio::select! {
        () = node.stop(&reason) => Ok(Exit::Ok),
        () = second(&mut interrupt, &mut terminate) => {
            tracing::warn!("left at once: services may still run; the next `ninefold up` adopts them, `ninefold stop` stops them");
            Ok(Exit::Failed)
        }
    }
}

/// The file as this node has it, and its place, if it is one of several.
fn placed(
    args: &UpArgs,
    file: model::File,
    identity: Option<&Identity>,
) -> Result<(model::File, Option<Place>), Failure> {
    let (NodeOf { number, nodes }, address) = match (args.place, identity) {
        (Some(of), _) => (of, loopback_address(of.number - 1)?.into()),
        (None, Some(identity)) => declared(args, &file, identity)?,
        (None, None) => return Ok((file, None)),
    };
    let me = number - 1;
    let zones = file.cluster.zones.iter().map(model::Name::shared);
    let placement = Placement::new(nodes, zones)?;
    let place = Place {
        me,
        placement,
        address,
    };
    let own = place.own_file(&file);
    let own = own.map_err(|errors| nodes::said(&file.path, &errors))?;
    Ok((own, Some(place)))
}

/// Which node of how many one is that has a host of its own.
fn declared(
    args: &UpArgs,
    file: &model::File,
    identity: &Identity,
) -> Result<(NodeOf, IpAddr), Failure> {
    let Some(nodes) = file.cluster.nodes else {
        let (path, node, folder) = (
            file.path.display(),
            identity.node(),
            StateFolder::of(file, args.state.as_deref()),
        );
        return Err(format!(
            "{path}: cluster.nodes is missing: this host is node `{node}`, as {} says, and what it runs follows from how many there are; write nodes = N in [cluster]",
            folder.cluster().display()
        )
        .into());
    };
    let name = identity.node().shared();
    let number = node_number(&name).ok().filter(|number| *number <= nodes);
    let number = number.ok_or_else(|| {
        format!("this host is node `{name}`, and the file declares n1 to n{nodes}: write more `cluster.nodes`, or join it anew by one of these names")
    })?;
    let ip = args.gossip.unwrap_or_else(|| identity.address()).ip();
    let ip = if ip.is_loopback() {
        loopback_address(number - 1)?.into()
    } else {
        ip
    };
    Ok((NodeOf { number, nodes }, ip))
}

/// This node's part in a cluster, with the identity that its state folder has.
fn cluster_options(
    args: &UpArgs,
    file: &model::File,
    (identity, secrets): (Identity, SecretsFolder),
) -> ClusterOptions {
    let seeds = if args.seeds.is_empty() {
        identity.seeds().to_vec()
    } else {
        args.seeds.clone()
    };
    ClusterOptions {
        zone: file.node.zone.as_ref().map(model::Name::shared),
        gossip: args.gossip.unwrap_or_else(|| identity.address()),
        seeds,
        identity,
        secrets,
    }
}

/// What a successor is to be called with besides the file and the state folder.
fn again(args: &UpArgs) -> Vec<OsString> {
    let mut again = Vec::new();
    if args.log_format == Output::Json {
        again.extend(["--log-format".into(), "json".into()]);
    }
    if args.quiet {
        again.push("--quiet".into());
    }
    again
}

/// Reads the file again at every SIGHUP.
async fn reload_on(hangup: &mut Signal, node: &Node) {
    while hangup.recv().await.is_some() {
        match node.reload(ReloadRequest::default()).await {
            Ok(report) => tracing::info!("SIGHUP: {}", super::reload::text(&report).trim_end()),
            Err(error) => tracing::error!("SIGHUP: nothing was changed: {error}"),
        }
    }
}

/// Resolves when the pipe that is standard input has no writer any more; never, if not `tied`.
pub(super) async fn input_ended(tied: bool) {
    if !tied {
        return std::future::pending().await;
    }
    let input = std::io::stdin().as_fd().try_clone_to_owned();
    match input.and_then(pipe::Receiver::from_owned_fd) {
        Ok(mut input) => {
            let mut scratch = [0u8; 64];
            while matches!(input.read(&mut scratch).await, Ok(1..)) {}
        }
        Err(error) => tracing::error!("tied, and standard input is no pipe: {error}"),
    }
}

async fn second(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn greet(node: &Node, name: &str, state: &StateFolder) {
    for listener in node.status().listeners {
        tracing::info!(
            "{name} listens on {}://{}",
            listener.scheme,
            listener.address
        );
    }
    if let Some(admin) = node.admin() {
        tracing::info!("status on http://{admin}/status, metrics on http://{admin}/metrics");
    }
    tracing::info!("state in {}", state.path().display());
}

/// Every connection takes a file descriptor, and the usual soft limit of 1,024 is soon reached.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: maximum,
                maximum,
            },
        )
    {
        tracing::warn!("the limit on open files stays at {current:?}: {error}");
    }
}

/// Logs events as they are recorded. An incident is recorded whenever its figures change; logged
/// only when it opens, changes its class, or closes.
fn event_log() -> impl Fn(&Event) + Send + Sync {
    let shown = Mutex::new(None);
    move |event| {
        if let EventKind::Incident(incident) = &event.kind {
            let now = Some((incident.id.clone(), incident.state, incident.class));
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            if *shown == now {
                return;
            }
            *shown = now;
        }
        log_event(event);
    }
}

fn log_event(event: &Event) {
    match &event.kind {
        EventKind::InstanceCrashLoop { .. }
        | EventKind::InstanceSpawnFailed { .. }
        | EventKind::InstanceNotReady { .. }
        | EventKind::Burn { firing: true, .. }
        | EventKind::Incident(_)
        | EventKind::InstanceExited {
            expected: false, ..
        } => tracing::warn!("{}", event.kind),
        _ => tracing::info!("{}", event.kind),
    }
}

fn start_log(args: &UpArgs) {
    let default = if args.quiet { "warn" } else { "info" };
    let filter =
        EnvFilter::try_from_env("NINEFOLD_LOG").unwrap_or_else(|_unset| EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        // It would be told on standard error too, by what panics where nobody reads that any more: the
        // parent of this node was killed, say.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let set = match args.log_format {
        Output::Json => log.json().try_init(),
        Output::Text => log.try_init(),
    };
    if let Err(error) = set {
        print::note(format!("no log: {error}"));
    }
}
