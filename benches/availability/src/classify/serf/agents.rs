//! Five agents of serf.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ChildStdout;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use super::super::cluster::NODES;
use super::change::{Change, What};
use crate::port;
use crate::problem::{Problem, While};
use crate::process::Process;

/// Users of nobody: each agent is one, so that the kernel can tell whose a connection is (see [`Agents::way`]).
const FIRST_USER: usize = 1_900_000_000;

/// The agents of one profile. All of them end when this value goes away.
#[derive(Debug)]
pub(super) struct Agents {
    profile: &'static str,
    /// 127.0.NET.1 and on; Ninefold's nodes are in 127.0.0.
    net: usize,
    program: PathBuf,
    folder: PathBuf,
    gossip: u16,
    rpc: u16,
    heard: Arc<Mutex<Vec<Change>>>,
    running: Vec<Option<Process>>,
}

impl Agents {
    /// Starts them in an empty folder.
    pub(super) fn start(
        program: &Path,
        folder: &Path,
        profile: &'static str,
        net: usize,
    ) -> Result<Self, Problem> {
        let folder = folder.join(format!("serf-{profile}"));
        if folder.exists() {
            fs::remove_dir_all(&folder).while_(&format!("empty {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).while_(&format!("make {}", folder.display()))?;
        let mut agents = Self {
            profile,
            net,
            program: program.to_owned(),
            folder,
            gossip: port::free()?.port(),
            rpc: port::free()?.port(),
            heard: Arc::default(),
            running: (0..NODES).map(|_| None).collect(),
        };
        for node in 1..=NODES {
            agents.run(node)?;
        }
        Ok(agents)
    }

    pub(super) const fn profile(&self) -> &'static str {
        self.profile
    }

    /// The port of their gossip, over UDP and TCP.
    pub(super) const fn port(&self) -> u16 {
        self.gossip
    }

    /// Their network.
    pub(super) const fn net(&self) -> usize {
        self.net
    }

    /// Starts an agent, which joins any of two others.
    pub(super) fn run(&mut self, node: usize) -> Result<(), Problem> {
        let other = |by: usize| {
            let other = (node - 1 + by) % NODES + 1;
            format!("-retry-join={}:{}", self.address(other), self.gossip)
        };
        let user = self.user(node);
        let words = [
            "setpriv".to_owned(),
            format!("--reuid={user}"),
            format!("--regid={user}"),
            "--clear-groups".to_owned(),
            self.program.display().to_string(),
            "agent".to_owned(),
            format!("-profile={}", self.profile),
            format!("-node=n{node}"),
            format!("-bind={}:{}", self.address(node), self.gossip),
            format!("-rpc-addr={}:{}", self.address(node), self.rpc),
            other(1),
            other(2),
            "-retry-interval=1s".to_owned(),
        ];
        let (process, said) = Process::start_piped(&words)?;
        self.put(Change {
            at: now(),
            observer: node,
            what: What::Began,
        });
        let path = self.folder.join(format!("n{node}.log"));
        let log = File::options().create(true).append(true).open(&path);
        let log = log.while_(&format!("write {}", path.display()))?;
        let heard = Arc::clone(&self.heard);
        thread::spawn(move || listen(said, node, &heard, log));
        self.set(node, Some(process));
        Ok(())
    }

    /// Kills one.
    pub(super) fn kill(&mut self, node: usize) {
        self.set(node, None);
    }

    pub(super) fn pid(&self, node: usize) -> Result<u32, Problem> {
        Ok(self.process(node)?.id())
    }

    /// All that they have said.
    pub(super) fn heard(&self) -> Vec<Change> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.clone()
    }

    /// What goes from one agent to another, as nftables has it. Packets have the addresses of both; connections come
    /// from 127.0.0.1 whoever makes them, and bear the mark of their maker.
    pub(super) fn way(&self, from: usize, to: usize) -> [String; 3] {
        let (source, sink) = (self.address(from), self.address(to));
        [
            format!("ip saddr {source} ip daddr {sink}"),
            format!(
                "ct mark {} ct direction original ip daddr {sink}",
                self.user(from)
            ),
            format!(
                "ct mark {} ct direction reply ip saddr {source}",
                self.user(to)
            ),
        ]
    }

    /// Whose connections are to be marked.
    pub(super) fn users(&self) -> Vec<usize> {
        (1..=NODES).map(|node| self.user(node)).collect()
    }

    fn put(&self, change: Change) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(change);
    }

    fn process(&self, node: usize) -> Result<&Process, Problem> {
        let process = self.running.get(node - 1).and_then(Option::as_ref);
        process.ok_or_else(|| format!("agent n{node} does not run"))
    }

    fn set(&mut self, node: usize, process: Option<Process>) {
        if let Some(place) = self.running.get_mut(node - 1) {
            *place = process;
        }
    }

    fn address(&self, node: usize) -> String {
        format!("127.0.{}.{node}", self.net)
    }

    const fn user(&self, node: usize) -> usize {
        FIRST_USER + 100 * self.net + node
    }
}

/// Reads what an agent says until it ends.
fn listen(said: ChildStdout, observer: usize, heard: &Mutex<Vec<Change>>, mut log: File) {
    for line in BufReader::new(said).lines() {
        let at = now();
        let Ok(line) = line else { return };
        if let Some(change) = Change::of_line(&line, observer, at) {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.push(change);
        }
        if let Err(why) = writeln!(log, "{at} {line}") {
            eprintln!("cannot write the log of agent n{observer}: {why}");
        }
    }
}

/// Nanoseconds since the epoch.
pub(super) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(now.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX)
}
