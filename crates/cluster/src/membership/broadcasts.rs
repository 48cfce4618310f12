use super::node::NodeId;
use super::wire::{Packet, Update};

/// News that are being passed on at most.
pub(super) const BROADCASTS_MAX: usize = 1_024;

/// What replaces what: of one key only the newest is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Member(NodeId),
    Edge(NodeId, NodeId),
    Refute(NodeId),
    Entry(NodeId, u64),
}

#[derive(Clone, Debug)]
struct Broadcast {
    key: Key,
    update: Update,
    bytes: usize,
    sends_left: u32,
}

/// Bytes that there is room for: in all, and of them for what members say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) all: usize,
    pub(super) entries: usize,
}

impl Room {
    fn take(&mut self, news: &Broadcast) -> bool {
        let is_entry = matches!(news.key, Key::Entry(..));
        let entries = self
            .entries
            .checked_sub(if is_entry { news.bytes } else { 0 });
        let (Some(all), Some(entries)) = (self.all.checked_sub(news.bytes), entries) else {
            return false;
        };
        *self = Self { all, entries };
        true
    }
}

/// News, each passed on a few times (SWIM, section 4.1): what went out least goes first.
#[derive(Clone, Debug, Default)]
pub(super) struct Broadcasts(Vec<Broadcast>);

impl Broadcasts {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn push(&mut self, update: Update, sends: u32) {
        let key = key(&update);
        self.0.retain(|broadcast| broadcast.key != key);
        if self.0.len() >= BROADCASTS_MAX {
            let oldest = self.0.iter().enumerate().min_by_key(|(_, b)| b.sends_left);
            if let Some((at, _)) = oldest {
                self.0.swap_remove(at);
            }
        }
        self.0.push(Broadcast {
            key,
            bytes: bytes(&update),
            update,
            sends_left: sends,
        });
    }

    /// It is decided: what was said of a subject before is no news any more.
    pub(super) fn decided(&mut self, subject: NodeId) {
        self.0
            .retain(|broadcast| !matches!(broadcast.key, Key::Edge(of, _) if of == subject));
    }

    /// News for `targets` members, of at most so many bytes for each: of `all`, or of those alone that nobody can do
    /// without, which are who is a member and who contradicts.
    pub(super) fn pick(&mut self, targets: usize, mut room: Room, all: bool) -> Vec<Update> {
        let targets = u32::try_from(targets).unwrap_or(u32::MAX);
        self.0
            .sort_by_key(|broadcast| u32::MAX - broadcast.sends_left);
        let mut picked = Vec::new();
        for broadcast in &mut self.0 {
            if picked.len() >= super::wire::UPDATES_MAX {
                break;
            }
            let needed = matches!(broadcast.key, Key::Member(_) | Key::Refute(_));
            if (all || needed) && room.take(broadcast) {
                broadcast.sends_left = broadcast.sends_left.saturating_sub(targets);
                picked.push(broadcast.update.clone());
            }
        }
        self.0.retain(|broadcast| broadcast.sends_left > 0);
        picked
    }
}

fn key(update: &Update) -> Key {
    match update {
        Update::Member(record) => Key::Member(record.node.id),
        Update::Down { subject, .. } => Key::Member(*subject),
        Update::Accuse {
            subject, observer, ..
        }
        | Update::Withdraw {
            subject, observer, ..
        } => Key::Edge(*subject, *observer),
        Update::Refute { subject, .. } => Key::Refute(*subject),
        Update::Entry(entry) => Key::Entry(
            entry.owner,
            ninefold_core::balance::hash_of(entry.key.as_bytes()),
        ),
    }
}

/// What a piece of news adds to a packet.
pub(super) fn bytes(update: &Update) -> usize {
    let packet = Packet {
        from: NodeId(0),
        incarnation: 0,
        body: super::wire::Body::Gossip(vec![update.clone()]),
    };
    packet.encode(0).len().saturating_sub(20)
}
