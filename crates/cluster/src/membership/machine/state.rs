//! The state of another member over a stream: for one to whom more is missing than a packet has room for.
//!
//! Here is decided when, and of whom; whoever drives this opens the stream. On it questions go one way and answers the
//! other, [`Frame`]s of the same form as packets, but larger. Each question says what is known of a part of the ids, so
//! that an answer holds what is missing and nothing else, neither end has to remember anything, and what came before a
//! stream broke is not asked for again. What comes is taken by the same rules as what packets say.

use std::time::Duration;

use ninefold_core::policy::{Backoff, Jitter};
use ninefold_core::time::Timestamp;

use super::membership::Membership;
use crate::membership::event::MembershipEvent;
use crate::membership::node::{NodeId, Record, Status};
use crate::membership::table::{Index, Member};
use crate::membership::wire::{
    Entry, FRAME_MAX, Frame, KNOWN_MAX, PACKET_MAX, Part, Range, Version, WireError,
};

/// One that knows the others asks for a state where that much more than fits into packets is missing, of all that was
/// compared lately. News under way are less.
const DIFFERENCE: u64 = 2 * PACKET_MAX as u64;
/// How long what was missing counts.
const LATELY: Duration = Duration::from_secs(3);
/// How long comparing finds no room among packets until it is done over a stream.
const NO_ROOM: Duration = Duration::from_secs(5);
/// What is around records and entries in a frame, with something to spare.
const AROUND: usize = 64;
/// Whoever opens the stream has said by then how it ended, or it counts as failed.
const FETCH_MAX: Duration = Duration::from_secs(15);
/// How long to wait after one that is whole: what is missing still is news, or comes by packets. Longer where much had to
/// be asked, so that questions are no more than so many bytes a second.
const PAUSE_MIN: Duration = Duration::from_millis(300);
const PAUSE_MAX: Duration = Duration::from_secs(3);
const QUESTIONS_PER_SECOND: u64 = 20_000;
/// For so long others are asked than the one with whom it failed, where there are others.
const AVOIDED: Duration = Duration::from_secs(30);

/// Why what came over a stream was not taken. Nothing has changed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// It is no frame.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// It answers no question of this node.
    #[error("an answer to no question")]
    Unasked,
}

/// A state that is being fetched, and what became of those before.
#[derive(Clone, Debug, Default)]
pub(super) struct Fetch {
    under_way: Option<UnderWay>,
    /// Bytes that found no room lately, and since when they count.
    missing: (Timestamp, u64),
    /// Since when there was no room to compare what is known.
    no_room: Option<Timestamp>,
    /// With whom it failed last, and when.
    failed: Option<(NodeId, Timestamp)>,
    failures: u32,
    not_before: Timestamp,
}

#[derive(Clone, Debug)]
struct UnderWay {
    peer: NodeId,
    until: Timestamp,
    /// What comes next, and what was asked for last.
    cursor: NodeId,
    asked: Option<Range>,
    members: usize,
    entries: usize,
    bytes: usize,
    /// Of questions.
    asked_bytes: usize,
}

impl Membership {
    /// A member knows more than it could say in its packet.
    pub(super) fn much_is_missing(&mut self, peer: NodeId, left: u64) {
        if left == 0 {
            return;
        }
        let (since, missing) = &mut self.fetch.missing;
        if self.clock.since(*since) >= LATELY {
            (*since, *missing) = (self.clock, 0);
        }
        *missing = missing.saturating_add(left);
        if self.caught_up.is_none() || *missing >= DIFFERENCE {
            self.want_state(peer);
        }
    }

    /// What is known was to be compared with a member. Where news take up the budget for long that finds no room, and is
    /// done over a stream.
    pub(super) fn compared(&mut self, peer: Index, found_room: bool) {
        let clock = self.clock;
        if found_room {
            self.fetch.no_room = None;
        } else if clock.since(*self.fetch.no_room.get_or_insert(clock)) >= NO_ROOM
            && let Some(peer) = self.table.get(peer).map(|member| member.node.id)
        {
            self.want_state(peer);
        }
    }

    fn want_state(&mut self, peer: NodeId) {
        if !self.config.streams || self.left {
            return;
        }
        if self
            .fetch
            .under_way
            .as_ref()
            .is_some_and(|fetch| fetch.until <= self.clock)
        {
            self.fetch_failed();
        }
        let (fetch, clock) = (&self.fetch, self.clock);
        let lately = |at: Timestamp| clock.since(at) < AVOIDED && self.table.alive() > 2;
        let avoided = fetch
            .failed
            .is_some_and(|(failed, at)| failed == peer && lately(at));
        if fetch.under_way.is_some() || clock < fetch.not_before || avoided {
            return;
        }
        self.fetch.under_way = Some(UnderWay {
            peer,
            until: clock + FETCH_MAX,
            cursor: NodeId(0),
            asked: None,
            members: 0,
            entries: 0,
            bytes: 0,
            asked_bytes: 0,
        });
        self.event(MembershipEvent::StateWanted(peer));
    }

    /// As if a packet had said that much is missing.
    #[cfg(test)]
    pub(in crate::membership) fn want_state_of(&mut self, peer: NodeId) {
        self.fetch = Fetch::default();
        self.want_state(peer);
    }

    /// Whether a state is being fetched: meanwhile there is no haste to learn by packets.
    pub(super) fn is_fetching(&self) -> bool {
        let fetch = self.fetch.under_way.as_ref();
        fetch.is_some_and(|fetch| fetch.until > self.clock)
    }

    /// The next question to the member whose state is [wanted](MembershipEvent::StateWanted), in bytes; nothing where
    /// none is, or not any more.
    pub fn state_question(&mut self, now: Timestamp) -> Option<Vec<u8>> {
        self.advance(now);
        let fetch = self.fetch.under_way.as_ref().filter(|_| !self.left)?;
        let range = Range {
            first: fetch.cursor,
            last: NodeId(u64::MAX),
        };
        let range = self.part(range, KNOWN_MAX);
        let part = Part::Question {
            range,
            known: self.versions(range, KNOWN_MAX),
        };
        let from = self.id;
        let question = Frame { from, part }.encode(self.config.cluster);
        if let Some(fetch) = &mut self.fetch.under_way {
            fetch.asked = Some(range);
            fetch.asked_bytes += question.len();
        }
        Some(question)
    }

    /// What this node knows and the one that asks does not, as far as it fits into a frame.
    ///
    /// # Errors
    ///
    /// If the bytes are no question of this cluster.
    pub fn answer_state(&mut self, question: &[u8], now: Timestamp) -> Result<Vec<u8>, StateError> {
        self.advance(now);
        let frame = Frame::decode(question, self.config.cluster);
        let frame = frame.inspect_err(|_| self.counters.refused += 1)?;
        let Part::Question { range, known } = frame.part else {
            return Err(StateError::Unasked);
        };
        let mut room = FRAME_MAX - AROUND;
        let (mut records, mut entries, mut last) = (Vec::new(), Vec::new(), range.last);
        for (index, member) in self.within(range) {
            let (record, mut said) = self.unknown((index, member), &known);
            let mut size = record.as_ref().map_or(0, record_size);
            size += said.iter().map(entry_size).sum::<usize>();
            if size > room && records.is_empty() && entries.is_empty() {
                // Of one that says more than a frame holds the rest goes by packets.
                let mut left = room - record.as_ref().map_or(0, record_size);
                said.retain(|entry| {
                    let taken = left.checked_sub(entry_size(entry));
                    left = taken.unwrap_or(0);
                    taken.is_some()
                });
                size = room;
            }
            let Some(rest) = room.checked_sub(size) else {
                last = NodeId(member.node.id.0.saturating_sub(1));
                break;
            };
            room = rest;
            records.extend(record);
            entries.append(&mut said);
        }
        let part = Part::Answer {
            last,
            records,
            entries,
        };
        let from = self.id;
        Ok(Frame { from, part }.encode(self.config.cluster))
    }

    /// What one that asks does not know of a member.
    fn unknown(
        &self,
        (index, member): (Index, &Member),
        known: &[Version],
    ) -> (Option<Record>, Vec<Entry>) {
        let id = member.node.id;
        let found = known.binary_search_by_key(&id, |(id, ..)| *id);
        let theirs = found.ok().and_then(|at| known.get(at));
        let record = || member.record(self.clock);
        let above = |version| self.store.above((index, id, member.nonce), version);
        let Some((_, incarnation, status, version)) = theirs else {
            return (Some(record()), above(0));
        };
        let ours = (member.incarnation, member.status);
        match ours.cmp(&(*incarnation, *status)) {
            // It may be another process, of which nothing is known there.
            std::cmp::Ordering::Greater => (Some(record()), above(0)),
            std::cmp::Ordering::Equal => (None, above(*version)),
            // It is not back for everybody.
            std::cmp::Ordering::Less
                if *status == Status::Alive && member.is_held_out(self.clock) =>
            {
                (Some(record()), Vec::new())
            }
            std::cmp::Ordering::Less => (None, Vec::new()),
        }
    }

    /// Takes an answer to the last [question](Self::state_question); whether it was the last one. If not, ask on.
    ///
    /// # Errors
    ///
    /// If it is no answer to that; nothing has changed then but a counter, and the stream has failed.
    pub fn take_state(&mut self, answer: &[u8], now: Timestamp) -> Result<bool, StateError> {
        self.advance(now);
        let fetch = self.fetch.under_way.as_ref();
        let from = fetch.map_or(self.id, |fetch| fetch.peer);
        match self.answer_to_question(answer) {
            Ok((range, last, records, entries)) => {
                for record in &records {
                    self.record(record, false);
                }
                self.take_entries(&entries, from);
                self.settle();
                Ok(self.fetch_on(range, last, (records.len(), entries.len(), answer.len())))
            }
            Err(error) => {
                self.counters.refused += 1;
                self.fetch_failed();
                Err(error)
            }
        }
    }

    fn answer_to_question(
        &self,
        answer: &[u8],
    ) -> Result<(Range, NodeId, Vec<Record>, Vec<Entry>), StateError> {
        let frame = Frame::decode(answer, self.config.cluster)?;
        let fetch = self.fetch.under_way.as_ref().filter(|_| !self.left);
        let range = fetch
            .filter(|fetch| fetch.peer == frame.from)
            .and_then(|fetch| fetch.asked);
        let (
            Some(range),
            Part::Answer {
                last,
                records,
                entries,
            },
        ) = (range, frame.part)
        else {
            return Err(StateError::Unasked);
        };
        if last < range.first || last > range.last {
            return Err(WireError::Order("ids of an answer").into());
        }
        Ok((range, last, records, entries))
    }

    /// Goes on behind `last`, or is through.
    fn fetch_on(
        &mut self,
        range: Range,
        last: NodeId,
        (members, entries, bytes): (usize, usize, usize),
    ) -> bool {
        let whole = last == NodeId(u64::MAX) && range.last == last;
        let Some(fetch) = &mut self.fetch.under_way else {
            return true;
        };
        fetch.members += members;
        fetch.entries += entries;
        fetch.bytes += bytes;
        fetch.asked = None;
        fetch.cursor = NodeId(last.0.saturating_add(1));
        if !whole {
            return false;
        }
        let event = MembershipEvent::StateTaken {
            from: fetch.peer,
            members: fetch.members,
            entries: fetch.entries,
            bytes: fetch.bytes,
        };
        let asked = u64::try_from(fetch.asked_bytes).unwrap_or(u64::MAX);
        let pause = Duration::from_millis(asked.saturating_mul(1_000) / QUESTIONS_PER_SECOND);
        self.event(event);
        self.caught_up.get_or_insert(self.clock);
        self.fetch = Fetch {
            not_before: self.clock + pause.clamp(PAUSE_MIN, PAUSE_MAX),
            ..Fetch::default()
        };
        true
    }

    /// The stream was not opened, or broke off. What came before it did stays; the rest is learnt by packets, or from
    /// another member after a while.
    pub fn state_failed(&mut self, now: Timestamp) {
        self.advance(now);
        self.fetch_failed();
    }

    fn fetch_failed(&mut self) {
        let Some(fetch) = self.fetch.under_way.take() else {
            return;
        };
        let mut backoff = Backoff::exponential(Duration::from_millis(500), Duration::from_secs(30));
        backoff.jitter = Jitter::Equal;
        let wait = backoff.wait(self.fetch.failures, None, &mut self.rng);
        self.fetch.failures = self.fetch.failures.saturating_add(1);
        self.fetch.failed = Some((fetch.peer, self.clock));
        self.fetch.not_before = self.clock + wait;
        self.event(MembershipEvent::StateFailed(fetch.peer));
    }
}

/// What a record takes of a frame at most.
pub(super) fn record_size(record: &Record) -> usize {
    50 + record.node.name.len() + record.node.zone.len()
}

/// What an entry takes of a frame at most.
pub(super) fn entry_size(entry: &Entry) -> usize {
    let value = entry.value.as_ref().map_or(0, |value| value.len());
    crate::membership::store::AROUND_ENTRY + entry.key.len() + value
}
