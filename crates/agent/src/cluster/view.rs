//! What the gossiping thread knows, for everybody else.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use ninefold_cluster::membership::{Counters, Look, MembershipEvent, NodeId, Path, Status};
use ninefold_core::observation::HostWord;
use ninefold_core::status::{KeysStatus, SyncStatus};
use ninefold_trust::Expelled;
use tokio::sync::Notify;

use super::announce::ALL_TOLD;
use super::lifeline;
use crate::lock::lock;

/// Events that wait for the control plane at most; the oldest are lost. Who belongs to the cluster is in the view,
/// so only lines of the journal are.
const NEWS_MAX: usize = 4_096;

/// What a node says about itself, by key.
pub(crate) type Entries = BTreeMap<Arc<str>, Arc<[u8]>>;

/// One member as this node knows it.
#[derive(Clone, Debug)]
pub(crate) struct MemberView {
    pub(crate) id: NodeId,
    pub(crate) name: Arc<str>,
    pub(crate) zone: Arc<str>,
    pub(crate) addr: SocketAddr,
    pub(crate) status: Status,
    pub(crate) incarnation: u64,
    /// Which process of it.
    pub(crate) nonce: u64,
    /// What its host says of it, where it is down.
    pub(crate) host: HostWord,
    /// How this node hears from it, where it observes it.
    pub(crate) path: Option<Path>,
    /// How it answers this node, where it observes it.
    pub(crate) look: Option<Look>,
    pub(crate) accused_by: usize,
    /// Enough accuse it, and a gate keeps it from being convicted.
    pub(crate) withheld: bool,
    pub(crate) warming: bool,
    /// What it says about itself.
    pub(crate) entries: Arc<Entries>,
}

impl MemberView {
    /// Which process it is, as it says itself. A nonce is drawn anew whenever a node has to contradict; this is not.
    pub(crate) fn process(&self) -> Option<u64> {
        lifeline::process(self)
    }
}

/// The cluster at one moment.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) me: NodeId,
    pub(crate) members: Vec<MemberView>,
    /// How far this node trusts itself, 0 (well) to 7.
    pub(crate) health: u8,
    /// Whether so many of those that it observes do not answer it that it takes itself for the cause.
    pub(crate) isolated: bool,
    /// Processes that this node holds on to, whose ends it sees at once.
    pub(crate) lifelines: usize,
    /// The incarnation of this node.
    pub(crate) incarnation: u64,
    pub(crate) counters: Counters,
    pub(crate) seals: ninefold_trust::seal::Counters,
    /// States of other nodes that were fetched, and this node's that were served.
    pub(crate) syncs: SyncStatus,
    /// What this node seals with, and opens.
    pub(crate) keys: KeysStatus,
    /// Who is no member any more.
    pub(crate) expelled: Arc<Expelled>,
}

impl View {
    /// Whether there are others, and each that is there has told of all that it runs.
    pub(crate) fn knows_all(&self) -> bool {
        let alive = |member: &&MemberView| member.id != self.me && member.status == Status::Alive;
        let mut others = self.members.iter().filter(alive).peekable();
        others.peek().is_some() && others.all(|one| one.entries.contains_key(ALL_TOLD))
    }

    /// The members that are there, for who answers joins.
    pub(crate) fn roster(&self) -> Vec<ninefold_trust::Member> {
        let alive = self
            .members
            .iter()
            .filter(|one| one.status == Status::Alive);
        let member = |one: &MemberView| ninefold_trust::Member {
            name: Arc::clone(&one.name),
            gossip: one.addr,
        };
        alive.map(member).collect()
    }

    pub(crate) fn name(&self, id: NodeId) -> String {
        let member = self.members.iter().find(|member| member.id == id);
        member.map_or_else(|| id.to_string(), |member| member.name.to_string())
    }
}

/// Between the gossiping thread and the control plane.
#[derive(Debug)]
pub(crate) struct Shared {
    view: Mutex<Arc<View>>,
    news: Mutex<VecDeque<MembershipEvent>>,
    /// What else is to stand in the journal.
    notes: Mutex<VecDeque<String>>,
    pub(crate) changed: Notify,
}

impl Shared {
    pub(crate) fn new(view: View) -> Self {
        Self {
            view: Mutex::new(Arc::new(view)),
            news: Mutex::default(),
            notes: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// The newest view.
    pub(crate) fn view(&self) -> Arc<View> {
        Arc::clone(&lock(&self.view))
    }

    pub(crate) fn set_view(&self, view: Arc<View>) {
        *lock(&self.view) = view;
    }

    pub(crate) fn push(&self, event: MembershipEvent) {
        let mut news = lock(&self.news);
        if news.len() >= NEWS_MAX {
            news.pop_front();
        }
        news.push_back(event);
    }

    /// Something that is no event of the membership, for the journal.
    pub(crate) fn note(&self, what: String) {
        let mut notes = lock(&self.notes);
        if notes.len() >= NEWS_MAX {
            notes.pop_front();
        }
        notes.push_back(what);
        drop(notes);
        self.changed.notify_one();
    }

    /// What was noted since the last time.
    pub(crate) fn take_notes(&self) -> VecDeque<String> {
        std::mem::take(&mut *lock(&self.notes))
    }

    /// What has happened since the last time.
    pub(crate) fn take_news(&self) -> VecDeque<MembershipEvent> {
        std::mem::take(&mut *lock(&self.news))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::cluster) fn member(id: NodeId, name: &str) -> MemberView {
        MemberView {
            id,
            name: name.into(),
            zone: "z".into(),
            addr: ([127, 0, 0, 1], 7).into(),
            status: Status::Alive,
            incarnation: 1,
            nonce: 1,
            path: None,
            look: None,
            host: HostWord::Silent,
            accused_by: 0,
            withheld: false,
            warming: false,
            entries: Arc::default(),
        }
    }

    pub(in crate::cluster) fn view(me: NodeId, members: Vec<MemberView>) -> View {
        View {
            me,
            members,
            health: 0,
            isolated: false,
            lifelines: 0,
            incarnation: 1,
            counters: Counters::default(),
            seals: ninefold_trust::seal::Counters::default(),
            syncs: SyncStatus::default(),
            keys: KeysStatus::default(),
            expelled: Arc::default(),
        }
    }
}
