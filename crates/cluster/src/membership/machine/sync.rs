use std::net::SocketAddr;
use std::time::Duration;

use super::membership::Membership;
use super::state::{entry_size, record_size};
use crate::membership::broadcasts::bytes;
use crate::membership::budget::Class;
use crate::membership::node::{NodeId, Record, Status};
use crate::membership::table::{Index, Member};
use crate::membership::wire::{
    Body, Delta, Digest, ENTRIES_PACKET_MAX, Entry, LEFT_MAX, PACKET_MAX, RANGES_MAX, RECORDS_MAX,
    Range, Update, Version,
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
        let catches_up = self.caught_up.is_none() && self.table.alive() > 1;
        let pause = if catches_up && !self.is_fetching() {
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
        self.look_after(self.part(from(first), RECORDS_MAX));
        let (body, last) = if self.caught_up.is_none() {
            let digest = self.digest_of(from(first), false);
            let last = digest.range.last;
            (Body::Digest(digest), last)
        } else {
            let range = self.part(from(first), SUMMARY);
            (Body::Summary(vec![(range, self.hash(range))]), range.last)
        };
        let found_room = self.send(addr, body, Class::Bulk);
        self.compared(peer, found_room);
        if found_room {
            if last == NodeId(u64::MAX) {
                self.caught_up.get_or_insert(self.clock);
            }
            self.cursor = NodeId(last.0.wrapping_add(1));
        }
    }

    /// Looks whether what is kept of some members is still as they said it. What this node says itself nobody else knows
    /// better: if that turns, others refuse it, and say so.
    fn look_after(&mut self, range: Range) {
        let inside = self.within(range).filter(|(index, _)| *index != self.me);
        let processes: Vec<_> = inside
            .map(|(index, member)| (index, member.node.id, member.nonce))
            .collect();
        for process in processes {
            if self.store.is_broken(process) {
                self.corrupt(self.id, process.1);
            }
        }
    }

    /// As a memory that fails does.
    #[cfg(test)]
    pub(in crate::membership) fn turn_a_bit(&mut self, owner: NodeId) {
        let owner = self.table.find(owner).unwrap();
        self.store.turn_a_bit(owner);
    }

    /// One that knew nobody has just met somebody: it asks at once what there is to know.
    pub(super) fn compare_soon(&mut self) {
        if self.caught_up.is_none() && self.table.alive() == 2 {
            let soon = self.clock + self.rng.jitter(CATCHING_UP / 10);
            self.sync_at = self.sync_at.min(soon);
        }
    }

    /// The beginning of a range with so many members in it.
    pub(super) fn part(&self, range: Range, members: usize) -> Range {
        let mut inside = self.within(range).skip(members.saturating_sub(1));
        let last = inside.next().map(|(_, member)| member.node.id);
        // Where nobody follows it goes on to the end.
        let last = last.filter(|_| inside.next().is_some());
        Range {
            first: range.first,
            last: last.unwrap_or(range.last),
        }
    }

    pub(super) fn within(&self, range: Range) -> impl Iterator<Item = (Index, &Member)> {
        let inside = move |(_, member): &(Index, &Member)| member.node.id <= range.last;
        self.table.from(range.first).take_while(inside)
    }

    /// A hash of all that this node knows of members and of what they say, but for one: the same where two know the
    /// same. Not for secrets.
    #[must_use]
    pub fn fingerprint(&self, without: Option<NodeId>) -> u64 {
        let all = self.within(from(NodeId(0)));
        self.hash_of(all.filter(|(_, member)| Some(member.node.id) != without))
    }

    /// Of what a digest would say of a range. Not for secrets.
    fn hash(&self, range: Range) -> u64 {
        self.hash_of(self.within(range))
    }

    fn hash_of<'a>(&self, members: impl Iterator<Item = (Index, &'a Member)>) -> u64 {
        let mut hash = 0;
        for (index, member) in members {
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
        Digest {
            reply,
            range,
            known: self.versions(range, RECORDS_MAX),
        }
    }

    /// Up to where the first members of a range are known, at most so many.
    pub(super) fn versions(&self, range: Range, max: usize) -> Vec<Version> {
        let known = self.within(range).map(|(index, member)| {
            let version = self.store.known(index, member.nonce);
            (member.node.id, member.incarnation, member.status, version)
        });
        known.take(max).collect()
    }

    /// Tells what the other does not know, and asks for what it knows better.
    pub(super) fn digest(&mut self, from: SocketAddr, digest: &Digest) {
        let mut delta = Delta::default();
        let mut room = ROOM;
        let mut behind = false;
        for (index, member) in self.within(digest.range) {
            let is_full = room < ENTRY_MIN;
            if is_full && delta.left >= LEFT_MAX {
                break;
            }
            let id = member.node.id;
            let theirs = digest.known.iter().find(|(known, ..)| *known == id);
            let Some((_, incarnation, status, version)) = theirs else {
                push_record(&mut delta, member.record(self.clock), &mut room);
                delta.left += self.store.size_above(index, member.nonce, 0);
                continue;
            };
            let (ours, theirs) = ((member.incarnation, member.status), (*incarnation, *status));
            let is_back = theirs.1 == Status::Alive && ours < theirs;
            if ours > theirs || (is_back && member.is_held_out(self.clock)) {
                push_record(&mut delta, member.record(self.clock), &mut room);
            } else if ours != theirs {
                behind |= !is_full;
            } else if self.store.known(index, member.nonce) > *version {
                let entries = self.store.above((index, id, member.nonce), *version);
                push_entries(&mut delta, entries, &mut room);
            } else {
                behind |= !is_full && self.store.known(index, member.nonce) < *version;
            }
        }
        delta.left = delta.left.min(LEFT_MAX);
        behind |= digest
            .known
            .iter()
            .any(|(id, ..)| self.table.find(*id).is_none());
        if !(delta.records.is_empty() && delta.entries.is_empty()) {
            let size = bytes_of(&delta);
            if !self.send(from, Body::Delta(delta), Class::Bulk) {
                // That there is something may be told nevertheless.
                let left = Delta {
                    left: size,
                    ..Delta::default()
                };
                self.send(from, Body::Delta(left), Class::News);
            }
        }
        if behind && !digest.reply {
            let reply = self.digest_of(digest.range, true);
            self.send(from, Body::Digest(reply), Class::Bulk);
        }
    }

    pub(super) fn delta(&mut self, from: NodeId, delta: Delta) {
        for record in &delta.records {
            self.record(record, false);
        }
        self.take_entries(&delta.entries, from);
        self.much_is_missing(from, delta.left);
    }
}

/// All ids from one on.
const fn from(first: NodeId) -> Range {
    Range {
        first,
        last: NodeId(u64::MAX),
    }
}

/// Of all that it tells and does not tell, about.
fn bytes_of(delta: &Delta) -> u64 {
    let records = delta.records.iter().map(record_size);
    let entries = delta.entries.iter().map(entry_size);
    let told: usize = records.chain(entries).sum();
    delta.left.saturating_add(told as u64).min(LEFT_MAX)
}

fn push_record(delta: &mut Delta, record: Record, room: &mut usize) {
    let update = Update::Member(record);
    let size = bytes(&update);
    let fits = *room >= ENTRY_MIN && size <= *room && delta.records.len() < RECORDS_MAX;
    if let Update::Member(record) = update {
        if fits {
            *room -= size;
            delta.records.push(record);
        } else {
            delta.left += record_size(&record) as u64;
        }
    }
}

/// In the order of versions, without gaps.
fn push_entries(delta: &mut Delta, entries: Vec<Entry>, room: &mut usize) {
    let mut fits = *room >= ENTRY_MIN;
    for entry in entries {
        let update = Update::Entry(entry);
        let size = if fits { bytes(&update) } else { 0 };
        fits &= size <= *room && delta.entries.len() < ENTRIES_PACKET_MAX;
        if let Update::Entry(entry) = update {
            if fits {
                *room -= size;
                delta.entries.push(entry);
            } else {
                delta.left += entry_size(&entry) as u64;
            }
        }
    }
}
