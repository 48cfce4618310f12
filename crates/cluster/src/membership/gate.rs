//! What keeps right detections from doing harm: nothing is convicted by a minority, in a zone where too much begins
//! at once, or faster than a cluster can lose nodes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use ninefold_core::time::Timestamp;

use super::config::Config;
use super::ring::Ring;
use super::table::{Index, Table};

const MINUTE: Duration = Duration::from_secs(60);

/// What a gate has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    Frozen(Index, usize),
    Thawed(Index),
    Quiesced,
    Resumed,
    Capped,
}

/// A zone where nobody is convicted.
#[derive(Clone, Copy, Debug)]
struct Frozen {
    /// By which member it is named.
    named: Index,
    /// When something was last wrong there.
    last: Timestamp,
    /// Once so much was wrong that others will have seen it too.
    clearly: bool,
}

/// The gates and what they remember.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate {
    frozen: BTreeMap<u64, Frozen>,
    convicted: VecDeque<(Timestamp, Index)>,
    quiesced: bool,
    capped: bool,
}

impl Gate {
    pub(super) const fn is_quiesced(&self) -> bool {
        self.quiesced
    }

    pub(super) fn is_frozen(&self, zone: u64) -> bool {
        self.frozen.contains_key(&zone)
    }

    /// Whether others need not hear more of what is wrong in a zone.
    pub(super) fn is_clearly_frozen(&self, zone: u64) -> bool {
        self.frozen.get(&zone).is_some_and(|frozen| frozen.clearly)
    }

    pub(super) fn has_frozen(&self) -> bool {
        !self.frozen.is_empty()
    }

    /// Looks at who is suspected, with since when, and at who is silent to this node itself, with whether those are so
    /// many that it is cut off.
    pub(super) fn look(
        &mut self,
        suspects: &[(Index, Timestamp)],
        own: (&BTreeSet<Index>, bool),
        (table, ring): (&Table, &Ring),
        config: &Config,
        now: Timestamp,
    ) -> Vec<Passage> {
        let mut passages = Vec::new();
        while self
            .convicted
            .front()
            .is_some_and(|(at, _)| now.since(*at) >= MINUTE)
        {
            self.convicted.pop_front();
        }
        let zone = |index: Index| table.get(index).map(|member| member.zone);
        let zones: BTreeSet<u64> = suspects.iter().filter_map(|(s, _)| zone(*s)).collect();
        for of in zones {
            let here: Vec<_> = suspects
                .iter()
                .filter(|(s, _)| zone(*s) == Some(of))
                .collect();
            let latest = here.iter().map(|(_, since)| *since).max().unwrap_or(now);
            let near = |at: Timestamp| latest.since(at) < config.gate_window;
            let gone = self
                .convicted
                .iter()
                .filter(|(at, who)| zone(*who) == Some(of) && near(*at));
            let gone: BTreeSet<Index> = gone.map(|(_, who)| *who).collect();
            let mut fresh = gone.clone();
            fresh.extend(here.iter().filter(|(_, at)| near(*at)).map(|(s, _)| *s));
            let gone = gone.iter().filter(|who| !table.is_alive(**who)).count();
            let (onsets, members) = (fresh.len(), ring.zone_len(of) + gone);
            let many = onsets >= config.gate_onsets && onsets * 20 >= members;
            let most = onsets >= 2 && onsets * 2 > members;
            let named = here.first().map(|(s, _)| *s);
            match (self.frozen.get_mut(&of), named) {
                (Some(frozen), _) => {
                    frozen.last = now;
                    frozen.clearly |=
                        here.len() >= config.gate_onsets * 2 && here.len() * 10 >= members;
                }
                (None, Some(named)) if many || most => {
                    let frozen = Frozen {
                        named,
                        last: now,
                        clearly: false,
                    };
                    self.frozen.insert(of, frozen);
                    passages.push(Passage::Frozen(named, onsets));
                }
                (None, _) => {}
            }
        }
        self.frozen.retain(|_, frozen| {
            let stays = now.since(frozen.last) < config.gate_window;
            if !stays {
                passages.push(Passage::Thawed(frozen.named));
            }
            stays
        });
        passages.extend(self.minority(suspects, own, table));
        passages
    }

    /// Half of those who were there a minute ago, or fewer, are heard from, or it looks like that from here.
    fn minority(
        &mut self,
        suspects: &[(Index, Timestamp)],
        (silent, cut_off): (&BTreeSet<Index>, bool),
        table: &Table,
    ) -> Option<Passage> {
        let lost: BTreeSet<Index> = suspects
            .iter()
            .map(|(s, _)| *s)
            .chain(silent.iter().copied())
            .collect();
        let gone = self
            .convicted
            .iter()
            .filter(|(_, who)| !table.is_alive(*who))
            .count();
        let total = table.alive() + gone;
        let few = total > 1 && (table.alive().saturating_sub(lost.len())) * 2 <= total;
        let few = few || cut_off;
        let changed = few != self.quiesced;
        self.quiesced = few;
        changed.then_some(if few {
            Passage::Quiesced
        } else {
            Passage::Resumed
        })
    }

    /// Leaves those that may be convicted now; the rest waits. Who comes and goes is the same loss again and again,
    /// not one more.
    pub(super) fn admit(
        &mut self,
        due: &mut Vec<Index>,
        table: &Table,
        config: &Config,
    ) -> Option<Passage> {
        let total = table.alive() + self.convicted.len();
        let limit = config.convictions_per_minute.max(total / 10);
        let mut room = limit.saturating_sub(self.convicted.len());
        let wanted = due.len();
        due.retain(|subject| {
            let again = self.convicted.iter().any(|(_, who)| who == subject);
            let admitted = again || room > 0;
            room -= usize::from(admitted && !again);
            admitted
        });
        let capped = due.len() < wanted;
        let begins = capped && !self.capped;
        self.capped = capped;
        begins.then_some(Passage::Capped)
    }

    pub(super) fn convicted(&mut self, who: Index, now: Timestamp) {
        self.forget(who);
        self.convicted.push_back((now, who));
    }

    /// The place of a member was given away.
    pub(super) fn forget(&mut self, index: Index) {
        self.convicted.retain(|(_, who)| *who != index);
    }
}
