//! What is injected on purpose at the moment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ninefold_core::event::{Event, EventKind, FaultNotice};
use ninefold_core::id::InstanceId;
use ninefold_core::time::Timestamp;

use super::core::{Control, Phase, now};

/// Announced faults at once, at most.
const FAULTS_MAX: usize = 64;

/// Whose orderer is gone for so long has no reaper either, which would have undone it.
const REAPER_PATIENCE: Duration = Duration::from_secs(1);

/// Announced faults by id.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    active: BTreeMap<String, (FaultNotice, Timestamp)>,
    /// Those whose orderer is gone, and since when.
    alone: BTreeMap<String, Timestamp>,
}

impl Faults {
    pub(crate) fn list(&self) -> Vec<FaultNotice> {
        self.active
            .values()
            .map(|(notice, _)| notice.clone())
            .collect()
    }

    /// Those that are `alone` and have been for long enough that nobody else will end them.
    fn left_alone(&mut self, at: Timestamp, alone: impl Fn(&str) -> bool) -> Vec<String> {
        let ids = self.active.keys().filter(|id| alone(id));
        let since = |id: &String| self.alone.get(id).copied().unwrap_or(at);
        self.alone = ids.map(|id| (id.clone(), since(id))).collect();
        let long = self.alone.iter();
        let long = long.filter(|(_, since)| at.since(**since) >= REAPER_PATIENCE);
        long.map(|(id, _)| id.clone()).collect()
    }

    /// Those that were announced and whose end is not in the journal: whoever ran this node before has
    /// left them to the one that goes on.
    pub(crate) fn left(events: &[Event]) -> Self {
        let mut active = BTreeMap::new();
        for event in events {
            match &event.kind {
                EventKind::FaultAnnounced(notice) => {
                    let ends = event.at + Duration::from_nanos(notice.ttl_ns);
                    active.insert(notice.id.clone(), (notice.clone(), ends));
                }
                EventKind::FaultEnded { id, .. } => drop(active.remove(id)),
                _ => {}
            }
        }
        while active.len() > FAULTS_MAX {
            let oldest = active.iter().min_by_key(|(_, (_, ends))| *ends);
            let Some(id) = oldest.map(|(id, _)| id.clone()) else {
                break;
            };
            active.remove(&id);
        }
        Self {
            active,
            alone: BTreeMap::new(),
        }
    }

    /// One of them is over.
    pub(crate) fn forget(&mut self, id: &str) {
        self.active.remove(id);
    }

    /// How long one of the gateway's may go on; nothing if it was ended.
    fn time_left(&self, id: &str, at: Timestamp) -> Option<Duration> {
        let (_, ends) = self.active.get(id)?;
        Some(ends.since(at)).filter(|left| !left.is_zero())
    }

    /// Those that a gateway was to inject.
    pub(crate) fn of_the_gateway(&self) -> Vec<String> {
        let all = self.active.iter();
        let injected = all.filter(|(_, (notice, _))| notice.gateway.is_some());
        injected.map(|(id, _)| id.clone()).collect()
    }

    /// Those whose time is up.
    fn expired(&self, at: Timestamp) -> Vec<String> {
        let over = self.active.iter().filter(|(_, (_, ends))| *ends <= at);
        over.map(|(id, _)| id.clone()).collect()
    }
}

impl Control {
    /// Takes note of a fault that is about to be injected: durably in the journal, or refused.
    pub(crate) fn announce_fault(&mut self, notice: FaultNotice) -> Result<(), String> {
        let chaos = &self.parts.file.chaos;
        if !chaos.enabled {
            return Err("faults are not allowed here: `chaos.enabled` is false".to_owned());
        }
        if self.phase != Phase::Running {
            return Err(format!("the node is {}", self.phase.name()));
        }
        let ttl = Duration::from_nanos(notice.ttl_ns);
        if ttl > chaos.ttl_max.0 {
            return Err(format!(
                "a fault of {ttl:?} is longer than `chaos.ttl_max`, {}",
                chaos.ttl_max
            ));
        }
        if self.faults.active.contains_key(&notice.id) {
            return Err(format!("fault `{}` is announced already", notice.id));
        }
        if self.faults.active.len() >= FAULTS_MAX {
            return Err(format!("{FAULTS_MAX} faults are announced already"));
        }
        if let Some(fault) = &notice.gateway {
            fault.check()?;
            self.are_endpoints(&notice.targets)?;
        }
        let at = now();
        self.parts
            .journal
            .record_durable(at, EventKind::FaultAnnounced(notice.clone()))
            .map_err(|error| {
                format!("the journal cannot be written, so nothing is injected: {error}")
            })?;
        self.learn_events();
        if notice.gateway.is_some()
            && let Err(error) = self.parts.gateway.present().inject(&notice)
        {
            self.record(EventKind::FaultEnded {
                id: notice.id,
                how: "not applied".to_owned(),
                hits: None,
            });
            return Err(error.to_string());
        }
        self.faults
            .active
            .insert(notice.id.clone(), (notice, at + ttl));
        Ok(())
    }

    /// What the gateway is to do to whom it does not know would be done to nobody, and look survived.
    fn are_endpoints(&self, targets: &[InstanceId]) -> Result<(), String> {
        let known = self.parts.supervisor.endpoints();
        let mut known: Vec<InstanceId> = known.into_iter().map(|known| known.instance).collect();
        let others = self.peers_instances().into_iter();
        known.extend(others.map(|other| other.instance));
        match targets.iter().find(|target| !known.contains(target)) {
            None => Ok(()),
            Some(target) => Err(format!(
                "`targets`: {target} is no endpoint of a service here; `ninefold status` names them"
            )),
        }
    }

    /// What is left of faults that the gateway was to inject, of which it has only these.
    pub(super) fn end_lost_faults(&mut self, has: &BTreeSet<String>, how: &str) {
        for id in self.faults.of_the_gateway() {
            if !has.contains(&id) {
                self.end_fault(&id, how);
            }
        }
    }

    /// How long a fault of the gateway may go on; nothing if it was ended.
    pub(super) fn fault_left(&self, id: &str) -> Option<Duration> {
        self.faults.time_left(id, now())
    }

    /// Ends what is over: by its time to live, or because who ordered it is gone, whether the reaper has
    /// undone it or is gone as well.
    pub(crate) fn end_faults(&mut self) {
        for id in self.faults.expired(now()) {
            self.end_fault(&id, "expired");
        }
        let Some(ledger) = &self.parts.fault_ledger else {
            return;
        };
        let each = self.faults.active.keys();
        let mut over: Vec<(String, String)> = each
            .filter_map(|id| Some((id.clone(), ledger.undone_by_another(id)?)))
            .map(|(id, by)| (id, format!("undone by the {by}")))
            .collect();
        let left_alone = self.faults.left_alone(now(), |id| ledger.left_alone(id));
        over.extend(
            left_alone
                .into_iter()
                .map(|id| (id, "who ordered it is gone".to_owned())),
        );
        for (id, how) in over {
            self.end_fault(&id, &how);
        }
    }

    /// Takes note of a fault's end; false if it was not announced.
    pub(crate) fn end_fault(&mut self, id: &str, how: &str) -> bool {
        let Some((notice, _)) = self.faults.active.remove(id) else {
            return false;
        };
        let hits = self.parts.gateway.present().end_fault(id);
        self.record(EventKind::FaultEnded {
            id: id.to_owned(),
            how: how.to_owned(),
            hits,
        });
        // Whoever asks next is told what it hit.
        self.learn_events();
        self.absolve(&notice);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events() -> Vec<Event> {
        let announced = |id: &str| {
            EventKind::FaultAnnounced(FaultNotice {
                id: id.to_owned(),
                kind: "kill".to_owned(),
                targets: vec![InstanceId::new("web", 0)],
                nodes: Vec::new(),
                claim: None,
                ttl_ns: 5_000_000_000,
                gateway: None,
            })
        };
        let ended = |id: &str| EventKind::FaultEnded {
            id: id.to_owned(),
            how: "rolled back".to_owned(),
            hits: None,
        };
        let all = [
            announced("f-1"),
            announced("f-2"),
            ended("f-1"),
            announced("f-3"),
            ended("f-0"),
        ];
        let each = all.into_iter().zip(1..);
        let event = |(kind, seq): (EventKind, u64)| Event {
            seq,
            at: Timestamp::from_secs(seq),
            kind,
        };
        each.map(event).collect()
    }

    #[test]
    fn what_the_journal_does_not_end_goes_on_until_its_time_is_up() {
        let left = Faults::left(&events());
        assert_eq!(left.active.keys().collect::<Vec<_>>(), ["f-2", "f-3"]);
        let at = Timestamp::from_secs;
        assert_eq!(left.time_left("f-2", at(4)), Some(Duration::from_secs(3)));
        assert_eq!(left.time_left("f-2", at(7)), None);
        assert_eq!(left.time_left("f-1", at(4)), None);
        assert_eq!(left.expired(at(8)), ["f-2"]);
        assert_eq!(left.of_the_gateway(), Vec::<String>::new());
    }

    #[test]
    fn of_too_many_those_that_end_last_are_kept() {
        let some = events();
        let many = (0..100_u64).map(|n| {
            let mut event = some[0].clone();
            if let EventKind::FaultAnnounced(notice) = &mut event.kind {
                notice.id = format!("f-{n}");
            }
            event.at = Timestamp::from_secs(n);
            event
        });
        let left = Faults::left(&many.collect::<Vec<_>>());
        assert_eq!(left.active.len(), FAULTS_MAX);
        assert!(left.active.contains_key("f-99") && !left.active.contains_key("f-35"));
    }
}
