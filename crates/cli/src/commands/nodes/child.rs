//! One node: its process, started again and again.

use std::ffi::OsString;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use ninefold_agent::StateFolder;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::again::Again;
use super::output::relay;

/// The last lines of a node that ended come out within this time.
const REST_MAX: Duration = Duration::from_secs(1);

/// What the parent wants of its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    /// Keep running.
    Run,
    /// Stop in order.
    Stop,
    /// End at once, and let the services run.
    Leave,
}

/// How a node ended for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It stopped in order.
    InOrder,
    /// It was gone when the parent was told to stop: its services may run.
    Gone,
    /// Its first process ended before it served, with this code.
    NeverBegan(Option<i32>),
}

/// How a node is started.
#[derive(Debug)]
pub(super) struct Node {
    /// From 1.
    pub(super) number: u32,
    pub(super) state: StateFolder,
    pub(super) program: OsString,
    pub(super) arguments: Vec<OsString>,
}

/// A process of a node.
struct Process {
    child: Child,
    /// Its standard input, which is never written to: when it ends, the node stops in order.
    _tie: Option<ChildStdin>,
    output: Option<JoinHandle<()>>,
}

impl Node {
    /// Keeps the node running until it is told to stop, or stops in order by itself.
    pub(super) async fn keep(self, mut order: watch::Receiver<Order>) -> Ended {
        let mut again = Again::default();
        let mut began = false;
        loop {
            let started = Instant::now();
            let (ended, pid) = match self.spawn() {
                Ok(mut process) => {
                    let pid = process.child.id();
                    let ended = tokio::select! {
                        ended = process.child.wait() => ended,
                        () = ordered(&mut order, Order::Stop) => {
                            return process.stop(order).await;
                        }
                    };
                    process.finish().await;
                    (ended, pid)
                }
                Err(error) => (Err(error), None),
            };
            if matches!(&ended, Ok(status) if status.success()) {
                tracing::info!("n{} stopped in order, and stays so", self.number);
                return Ended::InOrder;
            }
            began = began
                || self
                    .state
                    .record()
                    .is_some_and(|last| Some(last.pid) == pid);
            let how = said(&ended);
            if !began {
                tracing::error!("n{} did not begin: {how}", self.number);
                return Ended::NeverBegan(ended.ok().and_then(|status| status.code()));
            }
            let wait = again.after(started.elapsed());
            tracing::warn!("n{}: {how}; it is started again in {wait:?}", self.number);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = ordered(&mut order, Order::Stop) => return Ended::Gone,
            }
        }
    }

    fn spawn(&self) -> io::Result<Process> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C is for the parent, and so is what systemd wants to hear.
            .process_group(0)
            .env_remove("NOTIFY_SOCKET")
            .spawn()?;
        // Taken, since whoever waits for a child closes what it still has.
        let tie = child.stdin.take();
        let stderr = child.stderr.take();
        let output = stderr.map(|stderr| tokio::spawn(relay(self.number, stderr)));
        Ok(Process {
            child,
            _tie: tie,
            output,
        })
    }
}

impl Process {
    /// Has it stop in order, or kills it once the order is to leave.
    async fn stop(mut self, mut order: watch::Receiver<Order>) -> Ended {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw)
            && let Err(error) = kill_process(pid, Signal::TERM)
        {
            tracing::warn!(%error, "a node was not asked to stop");
        }
        let ended = tokio::select! {
            ended = self.child.wait() => ended,
            () = ordered(&mut order, Order::Leave) => self.child.kill().await.and(self.child.wait().await),
        };
        self.finish().await;
        match ended {
            Ok(status) if status.success() => Ended::InOrder,
            Ok(_) | Err(_) => Ended::Gone,
        }
    }

    /// Waits for its last lines.
    async fn finish(&mut self) {
        if let Some(output) = self.output.take() {
            drop(timeout(REST_MAX, output).await);
        }
    }
}

/// Resolves once the parent wants at least `least`, or is gone.
async fn ordered(order: &mut watch::Receiver<Order>, least: Order) {
    drop(order.wait_for(|order| *order >= least).await);
}

fn said(ended: &io::Result<ExitStatus>) -> String {
    match ended {
        Ok(status) => format!("its process ended ({status})"),
        Err(error) => format!("its process could not be run: {error}"),
    }
}
