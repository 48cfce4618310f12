use std::net::SocketAddr;
use std::time::Duration;

use super::membership::Membership;
use crate::membership::broadcasts::bytes;
use crate::membership::budget::Class;
use crate::membership::node::NodeId;
use crate::membership::table::{Index, Member};
use crate::membership::wire::{
    Body, Delta, Digest, ENTRIES_PACKET_MAX, PACKET_MAX, RANGES_MAX, RECORDS_MAX, Range, Update,
};

/// Who was just taken in compares so often, until it has gone round once.
const CATCHING_UP: Duration = Duration::from_millis(100);
/// What a delta may take of a packet.
const ROOM: usize = PACKET_MAX - 64;
/// Members that one hash stands for at most; where it differs they are compared in two more steps.
const SUMMARY: usize = RANGES_MAX * RECORDS_MAX;
/// Parts that differ which are gone into at once; the others have their turn later.
const DIGESTS: usize = 4;
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
/// Less than that has no room for anything.
const ENTRY_MIN: usize = 32;

impl Membership {
    /// Compares the next part of what is known with some member.
    pub(super) fn sync_if_due(&mut self) {
        if self.sync_at > self.clock {
            return;
        }
        let pause = if self.caught_up.is_none() && self.table.alive() > 1 {
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
        let (body, last) = if self.caught_up.is_none() {
            let digest = self.digest_of(from(first), false);
            let last = digest.range.last;
            (Body::Digest(digest), last)
        } else {
            let range = self.part(from(first), SUMMARY);
            (Body::Summary(vec![(range, self.hash(range))]), range.last)
        };
        if self.send(addr, body, Class::Bulk) {
            if last == NodeId(u64::MAX) {
                self.caught_up.get_or_insert(self.clock);
            }
            self.cursor = NodeId(last.0.wrapping_add(1));
        }
    }

    /// The beginning of a range with so many members in it.
    fn part(&self, range: Range, members: usize) -> Range {
        let mut inside = self.within(range).skip(members.saturating_sub(1));
        let last = inside.next().map(|(_, member)| member.node.id);
        // Where nobody follows it goes on to the end.
        let last = last.filter(|_| inside.next().is_some());
        Range {
            first: range.first,
            last: last.unwrap_or(range.last),
        }
    }

    fn within(&self, range: Range) -> impl Iterator<Item = (Index, &Member)> {
        let inside = move |(_, member): &(Index, &Member)| member.node.id <= range.last;
        self.table.from(range.first).take_while(inside)
    }

    /// Of what a digest would say of a range. Not for secrets.
    fn hash(&self, range: Range) -> u64 {
        let mut hash = 0;
        for (index, member) in self.within(range) {
            let version = self.store.known(index, member.nonce);
            let words = [
                member.node.id.0,
                member.incarnation,
                member.status as u64,
                version,
            ];
            for word in words {
                hash = (hash ^ word).wrapping_mul(MIX);
                hash ^= hash >> 29;
            }
        }
        hash
    }

    /// Of those parts that another knows otherwise, says what is known, or the hashes of smaller parts.
    pub(super) fn summary(&mut self, to: SocketAddr, ranges: &[(Range, u64)]) {
        let differ = ranges
            .iter()
            .filter(|(range, hash)| self.hash(*range) != *hash);
        let differ: Vec<Range> = differ.map(|(range, _)| *range).take(DIGESTS).collect();
        for range in differ {
            let members = self.within(range).take(SUMMARY + 1).count();
            if members <= RECORDS_MAX {
                let digest = self.digest_of(range, false);
                self.send(to, Body::Digest(digest), Class::Bulk);
                continue;
            }
            let (mut parts, mut rest) = (Vec::new(), Some(range));
            while let Some(next) = rest.filter(|_| parts.len() < RANGES_MAX) {
                let part = self.part(next, members.div_ceil(RANGES_MAX).max(1));
                parts.push((part, self.hash(part)));
                rest = (part.last < range.last).then(|| Range {
                    first: NodeId(part.last.0.saturating_add(1)),
                    last: range.last,
                });
            }
            self.send(to, Body::Summary(parts), Class::Bulk);
        }
    }

    fn digest_of(&self, range: Range, reply: bool) -> Digest {
        let range = self.part(range, RECORDS_MAX);
        let known = self.within(range).map(|(index, member)| {
            let version = self.store.known(index, member.nonce);
            (member.node.id, member.incarnation, member.status, version)
        });
        Digest {
            reply,
            range,
            known: known.take(RECORDS_MAX).collect(),
        }
    }

    /// Tells what the other does not know, and asks for what it knows better.
    pub(super) fn digest(&mut self, from: SocketAddr, digest: &Digest) {
        let mut delta = Delta::default();
        let mut room = ROOM;
        let mut behind = false;
        for (index, member) in self.within(digest.range) {
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
                for entry in self.store.above((index, id, member.nonce), *version) {
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
            let reply = self.digest_of(digest.range, true);
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

/// All ids from one on.
const fn from(first: NodeId) -> Range {
    Range {
        first,
        last: NodeId(u64::MAX),
    }
}

fn push_record(delta: &mut Delta, record: crate::membership::Record, room: &mut usize) {
    let size = bytes(&Update::Member(record.clone()));
    if size <= *room && delta.records.len() < RECORDS_MAX {
        *room -= size;
        delta.records.push(record);
    }
}
