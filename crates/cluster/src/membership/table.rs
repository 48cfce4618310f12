use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ninefold_core::balance::hash_of;
use ninefold_core::time::Timestamp;

use super::chunks::Chunks;
use super::node::{Node, NodeId, Record, Status};
use super::strikes::{Strikes, Told};
use super::wire::Cause;

/// Members that are known at once at most, those that are gone included.
pub(super) const MEMBERS_MAX: usize = 65_536;

/// Where a member stands in the table. Dense, so that what is kept per member can be a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Index(pub(super) u32);

/// One member as it is known here.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) node: Arc<Node>,
    pub(super) zone: u64,
    pub(super) incarnation: u64,
    pub(super) nonce: u64,
    pub(super) status: Status,
    /// Since when it has this status.
    pub(super) since: Timestamp,
    /// When it came back after it was gone, or began anew; it is warming for a while from then.
    pub(super) returned: Option<Timestamp>,
    /// It was convicted by the word of its host.
    pub(super) ended: bool,
    pub(super) strikes: Strikes,
    /// When it was last told that others know better about it.
    pub(super) told: Option<Timestamp>,
}

impl Member {
    pub(super) fn record(&self, now: Timestamp) -> Record {
        Record {
            node: Node::clone(&self.node),
            incarnation: self.incarnation,
            nonce: self.nonce,
            status: self.status,
            held_secs: match self.status {
                Status::Down => self.strikes.held_secs(now),
                Status::Alive | Status::Left => 0,
            },
        }
    }

    /// Whether those who have it back should hear that it is held out.
    pub(super) fn is_held_out(&self, now: Timestamp) -> bool {
        self.status == Status::Down && self.strikes.matter(now)
    }

    /// Others say that they have convicted it, which is down here already: this process, or another one. Whether that
    /// changes how long it is held out.
    pub(super) fn hear_again(&mut self, same: bool, cause: Cause, told: Told) -> bool {
        if self.status != Status::Down || (same && self.ended) {
            return false;
        }
        if cause == Cause::Ended {
            if same {
                self.ended = true;
                self.strikes.ended();
            }
            return same;
        }
        self.strikes.told(told, self.since)
    }

    pub(super) fn is_alive(&self) -> bool {
        self.status == Status::Alive
    }
}

/// What a record has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing: it is older, or there is no room.
    None,
    /// Only the incarnation, or where the node is.
    Updated,
    /// A new member.
    Joined,
    /// A member that was gone is back.
    Returned,
    /// Another process of a member that was never seen gone.
    Restarted,
    /// It is not alive any more.
    Gone,
}

/// Everybody who is known, by a dense index. What is gone stays for a while, so that what was said of it before
/// does not bring it back.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    members: Chunks<Member>,
    /// Shared by clones as the members are.
    by_id: Arc<BTreeMap<NodeId, Index>>,
    /// Those of them that are not alive.
    gone: BTreeMap<NodeId, Index>,
    free: Vec<Index>,
    alive: usize,
}

impl Table {
    pub(super) fn get(&self, index: Index) -> Option<&Member> {
        self.members.get(usize::try_from(index.0).ok()?)
    }

    pub(super) fn get_mut(&mut self, index: Index) -> Option<&mut Member> {
        self.members.get_mut(usize::try_from(index.0).ok()?)
    }

    pub(super) fn find(&self, id: NodeId) -> Option<Index> {
        self.by_id.get(&id).copied()
    }

    pub(super) fn by_id(&self, id: NodeId) -> Option<&Member> {
        self.get(self.find(id)?)
    }

    pub(super) fn is_alive(&self, index: Index) -> bool {
        self.get(index).is_some_and(Member::is_alive)
    }

    /// Members that are alive.
    pub(super) const fn alive(&self) -> usize {
        self.alive
    }

    /// In the order of ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Index, &Member)> {
        self.by_id
            .values()
            .filter_map(|index| Some((*index, self.get(*index)?)))
    }

    /// Those that are not alive, in the order of ids.
    pub(super) fn gone(&self) -> impl Iterator<Item = (Index, &Member)> {
        self.gone
            .values()
            .filter_map(|index| Some((*index, self.get(*index)?)))
    }

    /// In the order of ids, from `id` on.
    pub(super) fn from(&self, id: NodeId) -> impl Iterator<Item = (Index, &Member)> {
        self.by_id
            .range(id..)
            .filter_map(|(_, index)| Some((*index, self.get(*index)?)))
    }

    /// Takes what a record says, if it is newer.
    pub(super) fn apply(&mut self, record: &Record, now: Timestamp) -> (Option<Index>, Change) {
        let Some(index) = self.find(record.node.id) else {
            return self.insert(record, now);
        };
        let Some(member) = self.get_mut(index) else {
            return (None, Change::None);
        };
        if !record.supersedes(member.incarnation, member.status) {
            return (Some(index), Change::None);
        }
        let was = member.status;
        if member.strikes.hold(now) && record.status == Status::Alive {
            return (Some(index), Change::None);
        }
        let change = match (was, record.status) {
            (Status::Alive, Status::Alive) if record.nonce != member.nonce => Change::Restarted,
            (Status::Alive, Status::Alive) => Change::Updated,
            (Status::Alive, Status::Left | Status::Down) => Change::Gone,
            (Status::Left | Status::Down, Status::Alive) => Change::Returned,
            (Status::Left | Status::Down, Status::Left | Status::Down) => Change::Updated,
        };
        if member.node.zone != record.node.zone {
            member.zone = zone_of(&record.node.zone);
        }
        if *member.node != record.node {
            member.node = Arc::new(record.node.clone());
        }
        member.incarnation = record.incarnation;
        member.nonce = record.nonce;
        member.status = record.status;
        if was != record.status {
            member.since = now;
        }
        match change {
            Change::Returned => {
                member.returned = Some(now);
                member.ended = false;
                self.alive += 1;
                self.gone.remove(&record.node.id);
            }
            Change::Restarted => member.returned = Some(now),
            Change::Gone => {
                if record.status == Status::Down {
                    member.strikes.convicted(now);
                    member.strikes.told(held_for(record), now);
                }
                self.alive -= 1;
                self.gone.insert(record.node.id, index);
            }
            Change::None | Change::Updated | Change::Joined => {}
        }
        (Some(index), change)
    }

    fn insert(&mut self, record: &Record, now: Timestamp) -> (Option<Index>, Change) {
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.members.len() >= MEMBERS_MAX => return (None, Change::None),
            None => match u32::try_from(self.members.len()) {
                Ok(index) => Index(index),
                Err(_too_many) => return (None, Change::None),
            },
        };
        let mut member = Member {
            zone: zone_of(&record.node.zone),
            node: Arc::new(record.node.clone()),
            incarnation: record.incarnation,
            nonce: record.nonce,
            status: record.status,
            since: now,
            returned: None,
            ended: false,
            strikes: Strikes::default(),
            told: None,
        };
        member.strikes.told(held_for(record), now);
        let alive = member.is_alive();
        self.alive += usize::from(alive);
        match self.get_mut(index) {
            Some(slot) => *slot = member,
            None => self.members.push(member),
        }
        Arc::make_mut(&mut self.by_id).insert(record.node.id, index);
        if !alive {
            self.gone.insert(record.node.id, index);
        }
        let change = if alive {
            Change::Joined
        } else {
            Change::Updated
        };
        (Some(index), change)
    }

    /// Forgets those that were gone before `before`.
    pub(super) fn prune(&mut self, before: Timestamp) -> Vec<Index> {
        let old: Vec<(NodeId, Index)> = self
            .gone()
            .filter(|(_, member)| member.since < before)
            .map(|(index, member)| (member.node.id, index))
            .collect();
        for (id, index) in &old {
            Arc::make_mut(&mut self.by_id).remove(id);
            self.gone.remove(id);
            self.free.push(*index);
        }
        old.into_iter().map(|(_, index)| index).collect()
    }
}

pub(super) fn held_for(record: &Record) -> Told {
    Told::HeldFor(Duration::from_secs(record.held_secs.into()))
}

/// Zones are compared by their hash.
pub(super) fn zone_of(name: &Arc<str>) -> u64 {
    hash_of(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(incarnation: u64, nonce: u64, status: Status) -> Record {
        Record {
            node: Node {
                id: NodeId(7),
                name: "n7".into(),
                zone: "a".into(),
                addr: ([127, 0, 0, 1], 7).into(),
            },
            incarnation,
            nonce,
            status,
            held_secs: 0,
        }
    }

    #[test]
    fn newer_is_taken_and_older_is_not() {
        let mut table = Table::default();
        let mut take = |incarnation, nonce, status| {
            let (_, change) = table.apply(&record(incarnation, nonce, status), Timestamp::ZERO);
            (change, table.alive())
        };
        assert_eq!(take(3, 1, Status::Alive), (Change::Joined, 1));
        assert_eq!(take(3, 1, Status::Alive), (Change::None, 1));
        assert_eq!(take(4, 1, Status::Alive), (Change::Updated, 1));
        assert_eq!(take(5, 2, Status::Alive), (Change::Restarted, 1));
        assert_eq!(take(4, 1, Status::Down), (Change::None, 1));
        assert_eq!(take(5, 2, Status::Left), (Change::Gone, 0));
        assert_eq!(take(5, 2, Status::Down), (Change::Updated, 0));
        // Comes back as if it were new, and must learn what it was.
        assert_eq!(take(1, 3, Status::Alive), (Change::None, 0));
        assert_eq!(take(6, 3, Status::Alive), (Change::Returned, 1));
    }

    #[test]
    fn places_of_the_forgotten_are_taken_again() {
        let mut table = Table::default();
        let (first, _) = table.apply(&record(1, 1, Status::Down), Timestamp::from_secs(1));
        assert_eq!(table.prune(Timestamp::from_secs(1)), []);
        assert_eq!(table.prune(Timestamp::from_secs(2)), [first.unwrap()]);
        assert_eq!(table.find(NodeId(7)), None);
        let mut other = record(1, 1, Status::Alive);
        other.node.id = NodeId(8);
        assert_eq!(
            table.apply(&other, Timestamp::ZERO),
            (first, Change::Joined)
        );
        assert_eq!((table.iter().count(), table.alive()), (1, 1));
    }

    #[test]
    fn a_newcomer_holds_out_whom_the_others_do() {
        let mut table = Table::default();
        let mut down = record(3, 1, Status::Down);
        down.held_secs = 20;
        table.apply(&down, Timestamp::from_secs(100));
        let back = record(4, 1, Status::Alive);
        let (_, change) = table.apply(&back, Timestamp::from_secs(119));
        assert_eq!(change, Change::None);
        let now = Timestamp::from_secs(108);
        assert_eq!(table.by_id(NodeId(7)).unwrap().record(now).held_secs, 12);
        let (_, change) = table.apply(&back, Timestamp::from_secs(120));
        assert_eq!(change, Change::Returned);
    }
}
