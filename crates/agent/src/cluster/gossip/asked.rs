//! What the connections of this node ask the gossiping thread: whom there is for them, and what it knows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ninefold_cluster::membership::{NodeId, Record, Status};
use ninefold_core::time::Timestamp;
use ninefold_trust::{Expelled, NodeName};

use super::{Driver, node_id};
use crate::cluster::keys::{self, KEYS_KEY};
use crate::cluster::lifeline;
use crate::cluster::renewal::{AUTHORITY_KEY, UNTIL_KEY};
use crate::cluster::sync::{Ask, Fetch};

/// How often a member is asked for keys since packets come by unknown ones: they may be another cluster's, or anybody's.
const UNKNOWN_PAUSE: Duration = Duration::from_secs(5);

impl Driver {
    /// What a stream wants. Whoever has asked may be gone by the time of the answer.
    pub(super) fn asked(&mut self, ask: Ask) {
        let now = self.clock.now();
        match ask {
            Ask::Question(reply) => {
                reply.send(self.machine.state_question(now)).ok();
            }
            Ask::Answer(question, reply) => {
                reply.send(self.machine.answer_state(&question, now)).ok();
            }
            Ask::Take(answer, reply) => {
                reply.send(self.machine.take_state(&answer, now)).ok();
            }
            Ask::Failed => self.machine.state_failed(now),
            Ask::Authority(reply) => {
                reply.send(self.authority()).ok();
            }
            Ask::SayUntil(until) => self.say_until(until),
            Ask::Behind(generation, reply) => {
                reply.send(self.behind(generation)).ok();
            }
            Ask::NewerKeys(generation, reply) => {
                reply.send(self.newer_keys(generation)).ok();
            }
            Ask::Adopt(keys) => {
                self.sealing.adopt(&keys);
                self.keep_out(keys.expelled());
                self.say_keys();
            }
        }
    }

    /// Until when its certificate is good.
    pub(super) fn say_until(&mut self, until: Timestamp) {
        let secs = until.as_secs().to_string();
        self.say(UNTIL_KEY, Some(secs.as_bytes()));
    }

    /// Which generation of keys it has, if there was another.
    pub(super) fn say_keys(&mut self) {
        let generation = self.sealing.status().generation;
        if generation > 0 {
            self.say(KEYS_KEY, Some(generation.to_string().as_bytes()));
        }
    }

    /// Nothing is heard any more of who was expelled.
    pub(super) fn keep_out(&mut self, expelled: &Expelled) {
        if *self.expelled == *expelled {
            return;
        }
        let cluster = self.identity.cluster();
        let ids = expelled.names().map(|name| node_id(cluster, name));
        self.machine.keep_out(ids.collect(), self.clock.now());
        self.expelled = Arc::new(expelled.clone());
    }

    /// Which one another member has, as it says.
    fn keys_of(&self, id: NodeId) -> u64 {
        self.machine.entry(id, KEYS_KEY).map_or(0, keys::parse)
    }

    /// Members that are there, and have an earlier one.
    fn behind(&self, than: u64) -> usize {
        let members = self.machine.members();
        let others = members.filter(|one| one.status == Status::Alive && one.node.id != self.me);
        others
            .filter(|one| self.keys_of(one.node.id) < than)
            .count()
    }

    /// A member that says that it has a later one; or any, where packets come by keys that this node does not know.
    /// Another one each time, so that they are not all asking the same.
    fn newer_keys(&mut self, than: u64) -> Option<(Fetch, String)> {
        let others = || self.machine.members().filter(|one| one.node.id != self.me);
        let has_later = |one: &Record| self.keys_of(one.node.id) > than;
        let mut may: Vec<Record> = others().filter(has_later).collect();
        let unknown = self.sealing.counters().unknown_key;
        let (before, looked) = self.unknown_keys;
        if may.is_empty() && unknown > before && looked.elapsed() >= UNKNOWN_PAUSE {
            may = others().collect();
            self.unknown_keys = (unknown, Instant::now());
            self.note_unknown_keys(may.is_empty());
        }
        let by_chance = usize::try_from(self.clock.now().as_millis()).unwrap_or(0);
        let one = may.get(by_chance.checked_rem(may.len())?)?;
        Some((self.place(one)?, one.node.name.to_string()))
    }

    /// Says once that a node which knows nobody is sent packets by keys that it does not have.
    fn note_unknown_keys(&mut self, knows_nobody: bool) {
        if !knows_nobody || std::mem::replace(&mut self.lost, true) {
            return;
        }
        if let Some(shared) = &self.shared {
            shared.note(format!(
                "keys of gossip: packets come by keys that this node does not have, so it was away while they changed, or they are another cluster's; remove {} and join again with a token",
                self.secrets.path().display()
            ));
        }
    }

    /// A member that has the authority, where it is there, and its name.
    fn authority(&self) -> Option<(Fetch, String)> {
        let has_it = |record: &Record| {
            let said = self.machine.entry(record.node.id, AUTHORITY_KEY);
            record.status == Status::Alive && record.node.id != self.me && said.is_some()
        };
        let mut holders = self.machine.members().filter(has_it);
        holders.find_map(|record| Some((self.place(&record)?, record.node.name.to_string())))
    }

    /// Where the streams of a member end, if it has said so.
    pub(super) fn place(&self, of: &Record) -> Option<Fetch> {
        let said = self.machine.entry(of.node.id, lifeline::KEY)?;
        let name: NodeName = of.node.name.parse().ok()?;
        if self.expelled.has(&name) {
            return None;
        }
        Some(Fetch {
            addr: lifeline::address(of.node.addr.ip(), said)?,
            name: self.identity.server_name(&name).ok()?,
        })
    }
}
