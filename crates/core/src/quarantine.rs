//! Who gets no more requests because it answers wrongly, until a person or a new process ends that.
//!
//! It is not restarted: that would hide the cause, and a wrong disk or file would be back with it.
//! **Invariant:** no service is left with less than half of its instances that are ready. Who is beyond
//! that is spared, and said to be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::event::{Event, EventKind, FaultNotice};
use crate::fault::FaultEffect;
use crate::id::InstanceId;

/// The [`EventKind::Action`]s that begin and end a quarantine.
pub const QUARANTINE: &str = "quarantine";
/// See [`QUARANTINE`].
pub const READMIT: &str = "readmit";

/// Whether an injected fault makes answers wrong: then who gives them is well once it is over.
#[must_use]
pub fn makes_wrong(notice: &FaultNotice) -> bool {
    let fault = notice.gateway.as_ref();
    fault.is_some_and(|fault| fault.effect == FaultEffect::WrongBody)
}

/// Who is in quarantine, and who is to be.
#[derive(Clone, Debug, Default)]
pub struct Quarantine {
    held: BTreeMap<InstanceId, String>,
    /// Convicted, and not held.
    waiting: BTreeMap<InstanceId, String>,
    /// Of these, whom the guard spared: it was said.
    spared: BTreeSet<InstanceId>,
}

/// What is to be done about one that was convicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is in quarantine from now on.
    Hold {
        /// Which instance.
        instance: InstanceId,
        /// Why.
        reason: String,
    },
    /// It stays in routing: too few would be left. Said once.
    Spare {
        /// Which instance.
        instance: InstanceId,
        /// Why it was convicted.
        reason: String,
        /// How many of its service are ready, those in quarantine included.
        ready: usize,
    },
}

impl Quarantine {
    /// As the journal of earlier runs leaves it.
    pub fn restore<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut quarantine = Self::default();
        let mut faults: BTreeMap<&str, &FaultNotice> = BTreeMap::new();
        for event in events {
            match &event.kind {
                EventKind::Action {
                    instance,
                    action,
                    reason,
                } if action == QUARANTINE => {
                    quarantine.held.insert(instance.clone(), reason.clone());
                }
                EventKind::Action {
                    instance, action, ..
                } if action == READMIT => drop(quarantine.release(instance)),
                EventKind::FaultAnnounced(notice) if makes_wrong(notice) => {
                    faults.insert(&notice.id, notice);
                }
                EventKind::FaultEnded { id, .. } => {
                    let over = faults.remove(id.as_str());
                    let targets = over.iter().flat_map(|notice| &notice.targets);
                    targets.for_each(|target| drop(quarantine.release(target)));
                }
                EventKind::InstanceStarted { instance, .. } => drop(quarantine.release(instance)),
                _ => {}
            }
        }
        quarantine
    }

    /// It answers wrongly.
    pub fn convict(&mut self, instance: InstanceId, reason: String) {
        if !self.held.contains_key(&instance) {
            self.waiting.insert(instance, reason);
        }
    }

    /// What is to be done, given who would take requests but for this.
    pub fn decide(&mut self, ready: &BTreeSet<InstanceId>) -> Vec<Decision> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let mut decisions = Vec::new();
        let waiting = self.waiting.iter().filter(|(one, _)| ready.contains(*one));
        let waiting: Vec<_> = waiting
            .map(|(one, reason)| (one.clone(), reason.clone()))
            .collect();
        for (instance, reason) in waiting {
            let (all, left) = self.count(&instance.service, ready);
            if left.saturating_sub(1) * 2 >= all {
                self.waiting.remove(&instance);
                self.spared.remove(&instance);
                self.held.insert(instance.clone(), reason.clone());
                decisions.push(Decision::Hold { instance, reason });
            } else if self.spared.insert(instance.clone()) {
                decisions.push(Decision::Spare {
                    instance,
                    reason,
                    ready: all,
                });
            }
        }
        decisions
    }

    /// How many of a service are ready, and how many of these are not held.
    fn count(&self, service: &Arc<str>, ready: &BTreeSet<InstanceId>) -> (usize, usize) {
        let of = ready.iter().filter(|one| one.service == *service);
        let held = of.clone().filter(|one| self.held.contains_key(*one));
        let (all, held) = (of.count(), held.count());
        (all, all - held)
    }

    /// Why it is in quarantine, if it is.
    #[must_use]
    pub fn reason(&self, instance: &InstanceId) -> Option<&str> {
        self.held.get(instance).map(String::as_str)
    }

    /// Who is in quarantine, and why.
    pub fn held(&self) -> impl Iterator<Item = (&InstanceId, &str)> {
        self.held
            .iter()
            .map(|(instance, reason)| (instance, reason.as_str()))
    }

    /// Ends it: a person says so, or another process runs. Why it was there, if it was.
    pub fn release(&mut self, instance: &InstanceId) -> Option<String> {
        self.waiting.remove(instance);
        self.spared.remove(instance);
        self.held.remove(instance)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fault::GatewayFault;
    use crate::time::Timestamp;

    fn web(ordinal: u32) -> InstanceId {
        InstanceId::new("web", ordinal)
    }

    fn ready(ordinals: std::ops::Range<u32>) -> BTreeSet<InstanceId> {
        let other = InstanceId::new("other", 0);
        ordinals.map(web).chain([other]).collect()
    }

    #[test]
    fn half_of_a_service_stays() {
        let mut quarantine = Quarantine::default();
        for n in 0..3 {
            quarantine.convict(web(n), "wrong".to_owned());
        }
        let decisions = quarantine.decide(&ready(0..4));
        let held = |n| Decision::Hold {
            instance: web(n),
            reason: "wrong".to_owned(),
        };
        let spared = |n, ready| Decision::Spare {
            instance: web(n),
            reason: "wrong".to_owned(),
            ready,
        };
        assert_eq!(decisions, [held(0), held(1), spared(2, 4)]);
        // It is said once, and made up for when there are more.
        assert_eq!(quarantine.decide(&ready(0..5)), []);
        assert_eq!(quarantine.decide(&ready(0..6)), [held(2)]);
        assert_eq!(quarantine.reason(&web(2)), Some("wrong"));
    }

    #[test]
    fn the_only_one_is_spared_and_who_is_not_ready_waits() {
        let mut quarantine = Quarantine::default();
        quarantine.convict(web(0), "wrong".to_owned());
        assert_eq!(quarantine.decide(&ready(1..4)), []);
        assert!(matches!(
            *quarantine.decide(&ready(0..1)),
            [Decision::Spare { ready: 1, .. }]
        ));
        assert_eq!(quarantine.release(&web(0)), None);
        assert_eq!(quarantine.decide(&ready(0..4)), []);
    }

    fn action(instance: InstanceId, action: &str) -> EventKind {
        EventKind::Action {
            instance,
            action: action.to_owned(),
            reason: "wrong".to_owned(),
        }
    }

    #[test]
    fn it_outlives_ninefold_and_not_the_process() {
        let adopted = |n| EventKind::InstanceAdopted {
            instance: web(n),
            pid: 1,
        };
        let started = |n| EventKind::InstanceStarted {
            instance: web(n),
            pid: 2,
            attempt: 2,
        };
        let kinds = [
            action(web(0), QUARANTINE),
            action(web(1), QUARANTINE),
            action(web(2), QUARANTINE),
            action(web(3), "restart"),
            adopted(0),
            started(1),
            action(web(2), READMIT),
        ];
        let event = |kind| Event {
            seq: 1,
            at: Timestamp::default(),
            kind,
        };
        let events: Vec<Event> = kinds.into_iter().map(event).collect();
        let quarantine = Quarantine::restore(&events);
        let held: Vec<_> = quarantine.held().collect();
        assert_eq!(held, [(&web(0), "wrong")]);
    }

    #[test]
    fn what_a_fault_made_wrong_ends_with_it() {
        let notice = |id: &str, effect| {
            EventKind::FaultAnnounced(FaultNotice {
                id: id.to_owned(),
                kind: "test".to_owned(),
                targets: vec![web(0)],
                nodes: Vec::new(),
                claim: None,
                ttl_ns: 1,
                gateway: Some(GatewayFault {
                    share_percent: 100,
                    header: None,
                    effect,
                }),
            })
        };
        let ended = |id: &str| EventKind::FaultEnded {
            id: id.to_owned(),
            how: "rolled back".to_owned(),
            hits: None,
        };
        let held = |kinds: Vec<EventKind>| {
            let event = |kind| Event {
                seq: 1,
                at: Timestamp::default(),
                kind,
            };
            let events: Vec<Event> = kinds.into_iter().map(event).collect();
            let quarantine = Quarantine::restore(&events);
            quarantine.held().count()
        };
        let wrong = || notice("f-1", FaultEffect::WrongBody);
        let begun = vec![wrong(), action(web(0), QUARANTINE)];
        assert_eq!(held(begun.clone()), 1);
        assert_eq!(held([begun, vec![ended("f-1")]].concat()), 0);
        let other = notice("f-2", FaultEffect::Abort { status: 500 });
        assert_eq!(
            held(vec![other, action(web(0), QUARANTINE), ended("f-2")]),
            1
        );
    }

    proptest! {
        /// In whatever order they are convicted, come and go.
        #[test]
        fn a_decision_never_leaves_less_than_half(
            steps in prop::collection::vec((0u32..6, any::<bool>(), 0u32..6), 0..40),
        ) {
            let mut quarantine = Quarantine::default();
            for (who, ends, gone) in steps {
                match ends {
                    true => drop(quarantine.release(&web(who))),
                    false => quarantine.convict(web(who), String::new()),
                }
                let mut all = ready(0..6);
                all.remove(&web(gone));
                if quarantine.decide(&all).iter().any(|one| matches!(one, Decision::Hold { .. })) {
                    let (all, left) = quarantine.count(&"web".into(), &all);
                    prop_assert!(left * 2 >= all, "{left} of {all}");
                }
            }
        }
    }
}
