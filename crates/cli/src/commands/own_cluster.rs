//! A cluster that `verify` starts for itself.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ninefold_agent::chaos::process::Process;
use ninefold_agent::chaos::reaper;
use ninefold_agent::{NodeError, StateError, StateFolder};
use ninefold_core::status::{InstanceState, InstanceStatus, MemberState, MemberStatus, NodeStatus};

use super::verify::Problem;
use super::ways::Ways;
use crate::print;

/// It must be ready by then, builds included.
const START_MAX: Duration = Duration::from_secs(20 * 60);
/// It must have stopped by then; afterwards it is killed.
const STOP_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often it is said what is waited for.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// A cluster in a state folder of its own, so that trials on it do not count in the books of the
/// real one. It does not outlive this process: its `up` stops in order when the pipe that is its
/// standard input ends. What it leaves behind if it is killed itself is stopped by [`Self::stop`],
/// and by the reaper ([`reap`]) if this process was killed too.
#[derive(Debug)]
pub(super) struct OwnCluster {
    up: Mutex<Child>,
    pub(super) state: StateFolder,
    log: PathBuf,
    /// Where it is one of several nodes.
    nodes: Option<u32>,
}

impl OwnCluster {
    /// Starts it from the file at `path`, below the `folder` of the real one; of several `nodes`, if so many are
    /// asked for.
    pub(super) fn start(
        path: &Path,
        folder: &StateFolder,
        nodes: Option<u32>,
    ) -> Result<Self, Problem> {
        let state = StateFolder::at(&folder.path().join("verify"));
        std::fs::create_dir_all(state.path())?;
        let log = state.path().join("up.log");
        let up = Command::new(std::env::current_exe()?)
            .args(["up", "--tied"])
            .arg(path)
            .arg("--state")
            .arg(state.path())
            .args(nodes.map(|nodes| format!("--nodes={nodes}")))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            // A Ctrl-C is for us: the fault is rolled back first.
            .process_group(0)
            .spawn()?;
        print::note(format!(
            "nothing runs: starting a cluster of its own, log in {}",
            log.display()
        ));
        Ok(Self {
            up: Mutex::new(up),
            state,
            log,
            nodes,
        })
    }

    /// The ways to it.
    pub(super) fn ways(&self) -> Ways {
        match self.nodes {
            Some(nodes) => {
                let all: Vec<u32> = (1..=nodes).collect();
                Ways::to_nodes(self.state.clone(), &all)
            }
            None => Ways::to_one(self.state.clone()),
        }
    }

    fn up(&self) -> MutexGuard<'_, Child> {
        self.up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self) -> io::Result<Option<ExitStatus>> {
        self.up().try_wait()
    }

    /// The process of its `up`, while that is there.
    pub(super) fn process(&self) -> Option<Process> {
        let pid = self.up().id();
        Process::find(pid)
    }

    /// Waits until every instance is ready, as every node sees it.
    pub(super) async fn ready(&self) -> Result<(), Problem> {
        let ways = self.ways();
        let end = Instant::now() + START_MAX;
        let mut say = Instant::now() + SAY_EVERY;
        loop {
            if let Some(status) = self.ended()? {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                return Err(
                    format!("`ninefold up` ended with {status}:\n{}", log.trim_end()).into(),
                );
            }
            match self.waits_for(&ways).await? {
                None => return Ok(()),
                Some(waiting) if Instant::now() >= say => {
                    print::note(format!("not ready yet: {waiting}"));
                    say += SAY_EVERY;
                }
                Some(_) => {}
            }
            if Instant::now() >= end {
                return Err(
                    format!("not ready within {START_MAX:?}; see {}", self.log.display()).into(),
                );
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What is not ready, as the first node says that has something to say; an error if it is in vain.
    async fn waits_for(&self, ways: &Ways) -> Result<Option<String>, Problem> {
        for client in ways.clients() {
            let Ok(status) = client.status().await else {
                return Ok(Some("a node does not answer".to_owned()));
            };
            if let Some(why) = hopeless(&status) {
                return Err(format!("{why}; see {}", self.log.display()).into());
            }
            let waiting = not_ready(&status, self.nodes);
            if !waiting.is_empty() {
                return Ok(Some(waiting));
            }
        }
        Ok(None)
    }

    /// Stops it, unless the run already has, and whatever a killed `up` left running.
    pub(super) async fn stop(self) -> Result<(), Problem> {
        drop(self.up().stdin.take());
        let end = Instant::now() + STOP_MAX;
        while self.ended()?.is_none() {
            if Instant::now() >= end {
                print::note(format!(
                    "the cluster of its own does not stop and is killed; see {}",
                    self.log.display()
                ));
                self.up().kill()?;
                self.up().wait()?;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let left = sweep(&self.state).await?;
        if left > 0 {
            print::note(format!(
                "its `ninefold up` was gone; stopped {left} instances that it left running"
            ));
        }
        Ok(())
    }
}

/// Stops what a dead `up` left in the folder; how many there were. Waits for an `up` or another
/// sweep that is still at it.
async fn sweep(state: &StateFolder) -> Result<usize, NodeError> {
    let end = Instant::now() + STOP_MAX;
    loop {
        match super::nodes::stop_left_behind(state).await {
            Err(NodeError::State(StateError::Taken { .. } | StateError::Locked { .. }))
                if Instant::now() < end =>
            {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            done => return done,
        }
    }
}

/// The life of a reaper. If its controller died and `own` is the folder of the controller's own
/// cluster, that ends too.
pub(super) fn reap(ledger: &Path, own: Option<&Path>) -> ExitCode {
    let controller = rustix::process::getppid();
    let done = reaper::main(ledger);
    let (Some(own), true) = (own, rustix::process::getppid() != controller) else {
        return done;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime.map(|runtime| runtime.block_on(sweep(&StateFolder::at(own)))) {
        Ok(Ok(_)) => done,
        Ok(Err(_)) | Err(_) => ExitCode::FAILURE,
    }
}

/// The instances that are not ready or not known, and the nodes that are not there; empty if all are.
fn not_ready(status: &NodeStatus, nodes: Option<u32>) -> String {
    let mut waiting: Vec<String> = status
        .instances
        .iter()
        .filter(|instance| instance.state != InstanceState::Ready)
        .map(|instance| format!("{} {}", instance.instance, instance.state.name()))
        .collect();
    let Some(nodes) = nodes else {
        return waiting.join(", ");
    };
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let alive = |member: &&MemberStatus| member.state == MemberState::Alive;
    let there = count(status.members.iter().filter(alive).count());
    if there < nodes {
        waiting.push(format!("{there} of {nodes} nodes are there"));
    }
    for service in status.services.iter().filter(|service| service.supervised) {
        let is = |instance: &&InstanceStatus| instance.service == service.service;
        let known = count(status.instances.iter().filter(is).count());
        if known < service.desired {
            let (name, desired) = (&service.service, service.desired);
            waiting.push(format!(
                "{known} of {desired} instances of {name} are known"
            ));
        }
    }
    waiting.join(", ")
}

/// Why it will never be ready: waiting longer is in vain.
fn hopeless(status: &NodeStatus) -> Option<String> {
    let looping = status
        .instances
        .iter()
        .find(|instance| instance.state == InstanceState::CrashLoop)?;
    let why = looping.reason.as_deref();
    let why = why.unwrap_or("it ends again and again");
    Some(format!("{} does not start: {why}", looping.instance))
}
