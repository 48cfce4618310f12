//! What is injected on purpose at the moment.

use std::collections::BTreeMap;
use std::time::Duration;

use ninefold_core::event::{EventKind, FaultNotice};
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
        let known: Vec<&InstanceId> = known.iter().map(|known| &known.instance).collect();
        match targets.iter().find(|target| !known.contains(target)) {
            None => Ok(()),
            Some(target) => Err(format!(
                "`targets`: {target} is no endpoint of a service here; `ninefold status` names them"
            )),
        }
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
        if self.faults.active.remove(id).is_none() {
            return false;
        }
        let hits = self.parts.gateway.present().end_fault(id);
        self.record(EventKind::FaultEnded {
            id: id.to_owned(),
            how: how.to_owned(),
            hits,
        });
        // Whoever asks next is told what it hit.
        self.learn_events();
        true
    }
}
