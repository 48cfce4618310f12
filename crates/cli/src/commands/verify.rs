//! `verify`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ninefold_agent::chaos::{self, Report, Traffic, VerifyOptions};
use ninefold_agent::{AdminClient, StateFolder, fingerprint, locate};
use ninefold_config::{NODES_MAX, at_loopback, model};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::node::failed;
use super::nodes::said;
use super::own_cluster::OwnCluster;
use super::simulate;
use super::ways::Ways;
use crate::args::{Output, TrafficArg, VerifyArgs};
use crate::exit::Exit;
use crate::print;

/// Proves or refutes the claims.
pub(crate) async fn run(args: VerifyArgs) -> Exit {
    match prove(&args).await {
        Ok(exit) => exit,
        Err(problem) => failed(problem),
    }
}

pub(super) type Problem = Box<dyn std::error::Error>;

async fn prove(args: &VerifyArgs) -> Result<Exit, Problem> {
    if args.simulate {
        return simulate::run(args).await;
    }
    if let Some(nodes) = args.nodes.filter(|nodes| *nodes > NODES_MAX) {
        return Err(format!(
            "--nodes {nodes}: at most {NODES_MAX} on one machine; --simulate takes more"
        )
        .into());
    }
    let running = locate(
        args.file.as_deref(),
        args.common.state.as_deref(),
        args.common.node,
        true,
    )
    .ok();
    let path = args
        .file
        .clone()
        .or_else(|| running.as_ref().and_then(|located| located.file.clone()))
        .unwrap_or_else(|| PathBuf::from("ninefold.toml"));
    let outcome = ninefold_config::read(&path);
    let Some(file) = outcome.file.clone() else {
        print::note(ninefold_config::render(&outcome).trim_end());
        return Ok(Exit::Failed);
    };
    let file = Arc::new(match running.as_ref().and_then(|located| located.node) {
        Some(number) => at_loopback(&file, number - 1).map_err(|errors| said(&path, &errors))?,
        None => file,
    });
    let stop = stop_on_signal()?;
    let Some(located) = running else {
        let folder = StateFolder::of(&file, args.common.state.as_deref());
        // Wrong usage is told before anything is started.
        chaos::check(&options(args, &file, &folder, stop.clone())?)?;
        let own = OwnCluster::start(&path, &folder, args.nodes)?;
        let report = on_own(args, &file, &own, stop).await;
        own.stop().await?;
        return conclude(args, &report?);
    };
    if args.nodes.is_some() {
        let folder = located.state.path().display();
        return Err(format!(
            "--nodes is for a cluster of its own, and one runs in {folder}: leave it out, or `ninefold stop` first"
        )
        .into());
    }
    print::note(format!(
        "on the cluster that runs in {}",
        located.state.path().display()
    ));
    warn_if_other(&path, &located.state).await;
    let ways = Ways::to(&located);
    let options = options(args, &file, &ways.state, stop)?;
    conclude(args, &ways.claims(&options).await?)
}

/// Tries the claims on a cluster of our own, once it is ready.
async fn on_own(
    args: &VerifyArgs,
    file: &Arc<model::File>,
    own: &OwnCluster,
    mut stop: watch::Receiver<bool>,
) -> Result<Report, Problem> {
    tokio::select! {
        ready = own.ready() => ready?,
        _ = stop.wait_for(|stop| *stop) => return Err("stopped before the cluster was ready".into()),
    }
    let mut options = options(args, file, &own.state, stop)?;
    options.owned_up = own.process();
    options.owned_nodes = args.nodes;
    options
        .reaper
        .extend([OsString::from("--own"), own.state.path().into()]);
    Ok(own.ways().claims(&options).await?)
}

fn options(
    args: &VerifyArgs,
    file: &Arc<model::File>,
    state: &StateFolder,
    stop: watch::Receiver<bool>,
) -> std::io::Result<VerifyOptions> {
    let reaper = vec![std::env::current_exe()?.into_os_string(), "reap".into()];
    Ok(VerifyOptions {
        trials: args.trials,
        seed: args.seed.unwrap_or_else(seed_from_clock),
        claims: args.claims.clone(),
        traffic: match args.traffic {
            TrafficArg::Load => Traffic::Load,
            TrafficArg::Live => Traffic::Live,
        },
        rate: args.rate,
        stop,
        ..VerifyOptions::new(Arc::clone(file), state.path().to_owned(), reaper)
    })
}

pub(super) fn conclude(args: &VerifyArgs, report: &Report) -> Result<Exit, Problem> {
    match args.common.output {
        Output::Json => print::json(&report.to_json()),
        Output::Text => print::out(&report.to_text()),
    };
    for (path, text) in [
        (&args.junit, report.to_junit()),
        (&args.markdown, report.to_markdown()),
    ] {
        if let Some(path) = path {
            std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(match report.exit_code() {
        0 => Exit::Ok,
        1 => Exit::No,
        code => Exit::Code(code),
    })
}

/// Claims may be added to a file without a reload; services and routes may not.
async fn warn_if_other(path: &Path, state: &StateFolder) {
    if let Ok(status) = AdminClient::new(state).status().await
        && status.config != fingerprint(&std::fs::read_to_string(path).unwrap_or_default())
    {
        print::note(format!(
            "warning: the cluster runs another version of {}: its claims are tried on what runs; `ninefold reload` brings it up to date",
            path.display()
        ));
    }
}

pub(super) fn seed_from_clock() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    since.as_secs() % 1_000_000_000
}

/// Turns true at the first Ctrl-C or SIGTERM: the fault is rolled back before the command ends.
fn stop_on_signal() -> std::io::Result<watch::Receiver<bool>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (tell, stop) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        print::note("stopping: the fault is rolled back first");
        tell.send_replace(true);
    });
    Ok(stop)
}
