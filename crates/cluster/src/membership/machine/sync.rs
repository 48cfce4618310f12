use std::net::SocketAddr;
use std::time::Duration;

use super::membership::Membership;
use crate::membership::broadcasts::bytes;
use crate::membership::budget::Class;
use crate::membership::node::NodeId;
use crate::membership::table::Member;
use crate::membership::wire::{
    Body, Delta, Digest, ENTRIES_PACKET_MAX, PACKET_MAX, RECORDS_MAX, Range, Update,
};

/// Who was just taken in compares so often, until it has gone round once.
const CATCHING_UP: Duration = Duration::from_millis(100);
/// What a delta may take of a packet.
const ROOM: usize = PACKET_MAX - 64;
/// Less than that has no room for anything.
const ENTRY_MIN: usize = 32;

impl Membership {
    /// Compares the next part of what is known with some member.
    pub(super) fn sync_if_due(&mut self) {
        if self.sync_at > self.clock {
            return;
        }
        let pause = if self.catching_up && self.table.alive() > 1 {
            CATCHING_UP
        } else {
            self.config.sync_interval
        };
        self.sync_at = self.clock + pause / 2 + self.rng.jitter(pause);
        let Some(peer) = self.some_members(1, None).pop() else {
            return;
        };
        let Some(addr) = self.addr(peer) else { return };
        let first = self.cursor;
        let digest = self.digest_from(first, false);
        let last = digest.range.last;
        if self.send(addr, Body::Digest(digest), Class::Bulk) {
            self.catching_up &= last != NodeId(u64::MAX);
            self.cursor = NodeId(last.0.wrapping_add(1));
        }
    }

    fn digest_from(&self, first: NodeId, reply: bool) -> Digest {
        let members: Vec<(NodeId, &Member)> = self
            .table
            .from(first)
            .take(RECORDS_MAX)
            .map(|(_, member)| (member.node.id, member))
            .collect();
        let full = members.len() == RECORDS_MAX;
        let last = members
            .last()
            .filter(|_| full)
            .map_or(NodeId(u64::MAX), |(id, _)| *id);
        let known = members.into_iter().map(|(id, member)| {
            let version = self
                .table
                .find(id)
                .map_or(0, |i| self.store.known(i, member.nonce));
            (id, member.incarnation, member.status, version)
        });
        Digest {
            reply,
            range: Range { first, last },
            known: known.collect(),
        }
    }

    /// Tells what the other does not know, and asks for what it knows better.
    pub(super) fn digest(&mut self, from: SocketAddr, digest: &Digest) {
        let Range { first, last } = digest.range;
        let mut delta = Delta::default();
        let mut room = ROOM;
        let mut behind = false;
        for (index, member) in self
            .table
            .from(first)
            .take_while(|(_, m)| m.node.id <= last)
        {
            if room < ENTRY_MIN {
                break;
            }
            let id = member.node.id;
            let theirs = digest.known.iter().find(|(known, ..)| *known == id);
            let record = member.record();
            let Some((_, incarnation, status, version)) = theirs else {
                push_record(&mut delta, record, &mut room);
                continue;
            };
            if record.supersedes(*incarnation, *status) {
                push_record(&mut delta, record, &mut room);
            } else if (record.incarnation, record.status) != (*incarnation, *status) {
                behind = true;
            } else {
                let known = self.store.known(index, member.nonce);
                behind |= known < *version;
                for entry in self.store.above(index, id, *version) {
                    let size = bytes(&Update::Entry(entry.clone()));
                    if size > room || delta.entries.len() >= ENTRIES_PACKET_MAX {
                        break;
                    }
                    room -= size;
                    delta.entries.push(entry);
                }
            }
        }
        behind |= digest
            .known
            .iter()
            .any(|(id, ..)| self.table.find(*id).is_none());
        if !(delta.records.is_empty() && delta.entries.is_empty()) {
            self.send(from, Body::Delta(delta), Class::Bulk);
        }
        if behind && !digest.reply {
            let reply = self.digest_from(first, true);
            self.send(from, Body::Digest(reply), Class::Bulk);
        }
    }

    pub(super) fn delta(&mut self, delta: Delta) {
        for record in &delta.records {
            self.record(record, false);
        }
        for entry in &delta.entries {
            self.take_entry(entry, true);
        }
    }
}

fn push_record(delta: &mut Delta, record: crate::membership::Record, room: &mut usize) {
    let size = bytes(&Update::Member(record.clone()));
    if size <= *room && delta.records.len() < RECORDS_MAX {
        *room -= size;
        delta.records.push(record);
    }
}
