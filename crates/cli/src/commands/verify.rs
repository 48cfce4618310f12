//! `verify`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ninefold_agent::chaos::process::Process;
use ninefold_agent::chaos::{self, Progress, Report, Traffic, VerifyOptions};
use ninefold_agent::{AdminClient, StateFolder, locate};
use ninefold_config::model;
use ninefold_core::status::{InstanceState, NodeStatus};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::node::failed;
use super::up::fingerprint;
use crate::args::{Output, TrafficArg, VerifyArgs};
use crate::exit::Exit;
use crate::print;

/// A cluster of our own must be ready by then, builds included.
const START_MAX: Duration = Duration::from_secs(20 * 60);
/// A cluster of our own must have stopped by then.
const STOP_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Proves or refutes the claims.
pub(crate) async fn run(args: VerifyArgs) -> Exit {
    match prove(&args).await {
        Ok(exit) => exit,
        Err(problem) => failed(problem),
    }
}

type Problem = Box<dyn std::error::Error>;

async fn prove(args: &VerifyArgs) -> Result<Exit, Problem> {
    let running = locate(args.file.as_deref(), args.common.state.as_deref(), true).ok();
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
    let file = Arc::new(file);
    let stop = stop_on_signal()?;
    let Some(located) = running else {
        let own =
            OwnCluster::start(&path, &file, args.common.state.as_deref(), stop.clone()).await?;
        let report = claims(args, &file, &own.state, stop, Process::find(own.up.id())).await;
        own.stop().await?;
        return conclude(args, &report?);
    };
    print::note(format!(
        "on the cluster that runs in {}",
        located.state.path().display()
    ));
    warn_if_other(&path, &located.state).await;
    let report = claims(args, &file, &located.state, stop, None).await;
    conclude(args, &report?)
}

async fn claims(
    args: &VerifyArgs,
    file: &Arc<model::File>,
    state: &StateFolder,
    stop: watch::Receiver<bool>,
    owned_up: Option<Process>,
) -> Result<Report, Problem> {
    let reaper = vec![std::env::current_exe()?.into_os_string(), "reap".into()];
    let options = VerifyOptions {
        trials: args.trials,
        seed: args.seed.unwrap_or_else(seed_from_clock),
        claims: args.claims.clone(),
        traffic: match args.traffic {
            TrafficArg::Load => Traffic::Load,
            TrafficArg::Live => Traffic::Live,
        },
        rate: args.rate,
        owned_up,
        stop,
        ..VerifyOptions::new(Arc::clone(file), state.path().to_owned(), reaper)
    };
    let client = AdminClient::new(state);
    Ok(chaos::verify(&options, &client, &mut |progress: Progress| {
        print::note(progress)
    })
    .await?)
}

fn conclude(args: &VerifyArgs, report: &Report) -> Result<Exit, Problem> {
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

/// Claims may be added to a file without a restart; services and routes may not.
async fn warn_if_other(path: &Path, state: &StateFolder) {
    if let Ok(status) = AdminClient::new(state).status().await
        && status.config != fingerprint(path)
    {
        print::note(format!(
            "warning: the cluster was started from another version of {}: its claims are tried on what runs",
            path.display()
        ));
    }
}

fn seed_from_clock() -> u64 {
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

/// A cluster that this command started, in a state folder of its own, so that trials on it do not
/// count in the books of the real one.
struct OwnCluster {
    up: Child,
    state: StateFolder,
    log: PathBuf,
}

impl OwnCluster {
    async fn start(
        path: &Path,
        file: &model::File,
        chosen: Option<&Path>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Self, Problem> {
        let folder = StateFolder::of(file, chosen);
        let state = StateFolder::at(&folder.path().join("verify"));
        std::fs::create_dir_all(state.path())?;
        let log = state.path().join("up.log");
        let up = Command::new(std::env::current_exe()?)
            .arg("up")
            .arg(path)
            .arg("--state")
            .arg(state.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let mut own = Self { up, state, log };
        print::note(format!(
            "nothing runs: starting a cluster of its own, log in {}",
            own.log.display()
        ));
        tokio::select! {
            ready = own.ready() => ready?,
            _ = stop.wait_for(|stop| *stop) => {
                own.stop().await?;
                return Err("stopped before the cluster was ready".into());
            }
        }
        Ok(own)
    }

    /// Waits until every instance is ready.
    async fn ready(&mut self) -> Result<(), Problem> {
        let client = AdminClient::new(&self.state);
        let end = Instant::now() + START_MAX;
        loop {
            if let Some(status) = self.up.try_wait()? {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                return Err(
                    format!("`ninefold up` ended with {status}:\n{}", log.trim_end()).into(),
                );
            }
            if let Ok(status) = client.status().await
                && all_ready(&status)
            {
                return Ok(());
            }
            if Instant::now() >= end {
                return Err(
                    format!("not ready within {START_MAX:?}; see {}", self.log.display()).into(),
                );
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Stops it, unless the run already has.
    async fn stop(mut self) -> Result<(), Problem> {
        if self.state.is_running() {
            AdminClient::new(&self.state)
                .stop("`ninefold verify` is done")
                .await?;
        }
        let end = Instant::now() + STOP_MAX;
        while self.up.try_wait()?.is_none() {
            if Instant::now() >= end {
                let log = self.log.display();
                return Err(format!("the cluster of its own has not stopped; see {log}").into());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }
}

fn all_ready(status: &NodeStatus) -> bool {
    status
        .instances
        .iter()
        .all(|instance| instance.state == InstanceState::Ready)
}
