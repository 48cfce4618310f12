//! Nodes of the model system: a process each, which others see die and come back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ninefold_chaos::process::Process;
use ninefold_chaos::{System, SystemError};
use ninefold_core::event::{Event, EventKind, FaultNotice, Incident};
use ninefold_core::status::{MemberPath, MemberState, MemberStatus, NodeStatus};
use tokio::process::{Child, Command};

use super::shop::{Shop, State, now};

/// How long others need to take note, and a node to be started again.
const CONVICTION: Duration = Duration::from_millis(100);
const RESTART: Duration = Duration::from_millis(300);
/// A page of a journal.
const PAGE: usize = 3;

/// All nodes, and the journal that they share.
#[derive(Debug, Default)]
pub(crate) struct Rack {
    nodes: Vec<One>,
    events: Vec<Event>,
    /// Every announcement, with who was told.
    pub(crate) told: Vec<(String, FaultNotice)>,
}

#[derive(Debug)]
struct One {
    process: Option<Process>,
    convicted: bool,
}

pub(crate) fn name(node: u32) -> String {
    format!("n{}", node + 1)
}

fn at(node: u32) -> usize {
    usize::try_from(node).unwrap()
}

impl Rack {
    pub(crate) fn add(&mut self, _node: u32) {
        self.nodes.push(One {
            process: None,
            convicted: false,
        });
    }

    /// Where its process is there.
    pub(crate) fn process(&self, node: u32) -> Option<Process> {
        self.nodes[at(node)].process
    }

    fn say(&mut self, node: u32, change: &str) {
        let seq = u64::try_from(self.events.len()).unwrap() + 1;
        let (node, change) = (name(node), change.to_owned());
        self.events.push(Event {
            seq,
            at: now(),
            kind: EventKind::Member { node, change },
        });
    }
}

/// Waits until the process of a node is there.
pub(crate) async fn is_up(state: &Mutex<State>, node: u32) {
    while state.lock().unwrap().rack.process(node).is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn spawn() -> (Child, Process) {
    let mut command = Command::new("sleep");
    let child = command.arg("600").kill_on_drop(true).spawn().unwrap();
    let process = Process::find(child.id().unwrap()).unwrap();
    (child, process)
}

/// The life of a node: a process that is started again when it dies.
pub(crate) async fn supervise(state: Arc<Mutex<State>>, node: u32, convicts: bool) {
    loop {
        let (mut child, process) = spawn();
        {
            let rack = &mut state.lock().unwrap().rack;
            let one = &mut rack.nodes[at(node)];
            one.process = Some(process);
            if std::mem::take(&mut one.convicted) {
                rack.say(node, "returned");
            }
        }
        child.wait().await.unwrap();
        state.lock().unwrap().rack.nodes[at(node)].process = None;
        if convicts {
            tokio::time::sleep(CONVICTION).await;
            let rack = &mut state.lock().unwrap().rack;
            rack.nodes[at(node)].convicted = true;
            rack.say(node, "down");
        }
        tokio::time::sleep(RESTART).await;
    }
}

/// The system as one of its nodes shows it; it answers while that runs.
#[derive(Debug)]
pub(crate) struct Seat<'a> {
    pub(crate) shop: &'a Shop,
    pub(crate) node: u32,
}

impl Seat<'_> {
    fn process(&self) -> Result<Process, SystemError> {
        let process = self.shop.lock().rack.process(self.node);
        process.ok_or_else(|| SystemError("nobody answers".to_owned()))
    }
}

fn member(one: &One, node: u32) -> MemberStatus {
    MemberStatus {
        node: name(node),
        zone: Some(if node.is_multiple_of(2) { "a" } else { "b" }.to_owned()),
        address: format!("127.0.0.{}:7000", node + 1),
        state: match one.convicted {
            true => MemberState::Down,
            false => MemberState::Alive,
        },
        path: MemberPath::Direct,
        accused_by: 0,
        warming: false,
        incarnation: 1,
        instances: 1,
        certificate_ends: None,
        rack: None,
        version: None,
        revision: None,
        keys: 0,
    }
}

impl System for Seat<'_> {
    async fn status(&self) -> Result<NodeStatus, SystemError> {
        let process = self.process()?;
        let mut status = self.shop.status().await?;
        let state = self.shop.lock();
        let nodes = state.rack.nodes.iter().zip(0..);
        status.pid = process.pid;
        status.node = Some(name(self.node));
        status.members = nodes.map(|(one, node)| member(one, node)).collect();
        Ok(status)
    }

    async fn incidents(&self) -> Result<Vec<Incident>, SystemError> {
        self.process()?;
        self.shop.incidents().await
    }

    async fn events(&self, after: u64) -> Result<Vec<Event>, SystemError> {
        self.process()?;
        let state = self.shop.lock();
        let events = state.rack.events.iter();
        let page = events.filter(|event| event.seq > after).take(PAGE);
        Ok(page.cloned().collect())
    }

    async fn announce(&self, notice: &FaultNotice) -> Result<(), SystemError> {
        self.process()?;
        let told = (name(self.node), notice.clone());
        self.shop.lock().rack.told.push(told);
        self.shop.announce(notice).await
    }

    async fn end_fault(&self, id: &str, how: &str) -> Result<(), SystemError> {
        self.process()?;
        self.shop.end_fault(id, how).await
    }
}
