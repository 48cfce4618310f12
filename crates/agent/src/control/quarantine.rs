//! Who answers wrongly gets no more requests, and is left as it is: a person decides.

use std::collections::BTreeSet;

use ninefold_core::event::{EventKind, FaultNotice, Verdict};
use ninefold_core::id::InstanceId;
use ninefold_core::observation::{Observation, Seen};
use ninefold_core::quarantine::{Decision, QUARANTINE, READMIT, makes_wrong};
use ninefold_core::taxonomy::FailureClass;
use ninefold_gateway::EndpointView;

use super::core::{Control, now};

impl Control {
    /// A verdict: what answers wrongly is to be put into quarantine.
    pub(super) fn convicted(&mut self, verdict: &Verdict) {
        if verdict.class == FailureClass::Byzantine {
            let mut lines = verdict.evidence.iter();
            let line = lines.find(|line| matches!(&*line.observer, "canary" | "vote"));
            let reason = line.map_or_else(String::new, |line| line.what.clone());
            let quarantine = &mut self.parts.quarantine;
            quarantine.convict(verdict.instance.clone(), reason);
            self.publish();
        }
    }

    /// Takes those out that are in quarantine. They are not better than nothing.
    pub(super) fn withhold(&self, views: &mut [EndpointView]) {
        for view in views {
            if self.parts.quarantine.reason(&view.instance).is_some() {
                view.admitted = false;
                view.doubtful = false;
            }
        }
    }

    /// Puts those into quarantine that are to be, given who would take requests but for that.
    pub(super) fn quarantine(&mut self, ready: &BTreeSet<InstanceId>) {
        for decision in self.parts.quarantine.decide(ready) {
            match decision {
                Decision::Hold { instance, reason } => self.record(EventKind::Action {
                    instance,
                    action: QUARANTINE.to_owned(),
                    reason,
                }),
                Decision::Spare {
                    instance,
                    reason,
                    ready,
                } => self.notice(format!(
                    "{instance} answers wrongly and stays in routing, as less than half of the {ready} that are ready would be left: {reason}"
                )),
            }
        }
    }

    /// Another process runs: it has done nothing yet.
    pub(super) fn note_start(&mut self, observation: &Observation) {
        if let Seen::Started {
            pid: Some(_),
            adopted: false,
        } = observation.seen
        {
            drop(self.parts.quarantine.release(&observation.instance));
        }
    }

    /// Takes an instance back that answered wrongly, because a person says so.
    ///
    /// # Errors
    ///
    /// If it did not.
    pub(crate) fn readmit(&mut self, instance: &InstanceId) -> Result<(), String> {
        if !self.answers_wrongly(instance) {
            return Err(format!(
                "{instance} is not in quarantine; `ninefold status` shows who is"
            ));
        }
        self.take_back(instance, "a person asked for it".to_owned());
        Ok(())
    }

    /// A fault is over. Those who answered wrongly because of it do so no more.
    pub(super) fn absolve(&mut self, notice: &FaultNotice) {
        if !makes_wrong(notice) {
            return;
        }
        for target in &notice.targets {
            if self.answers_wrongly(target) {
                self.take_back(target, format!("fault {} is over", notice.id));
            }
        }
    }

    /// Whether it is in quarantine, or only spared.
    fn answers_wrongly(&self, instance: &InstanceId) -> bool {
        let held = self.parts.quarantine.reason(instance).is_some();
        let verdict = self.parts.detector.verdict(instance);
        held || verdict.is_some_and(|verdict| verdict.class == FailureClass::Byzantine)
    }

    fn take_back(&mut self, instance: &InstanceId, reason: String) {
        self.record(EventKind::Action {
            instance: instance.clone(),
            action: READMIT.to_owned(),
            reason,
        });
        drop(self.parts.quarantine.release(instance));
        self.observed(&Observation {
            instance: instance.clone(),
            at: now(),
            seen: Seen::Absolved,
        });
        self.publish();
    }
}
