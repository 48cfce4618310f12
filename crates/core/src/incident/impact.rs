use std::collections::VecDeque;
use std::time::Duration;

use crate::event::RouteImpact;
use crate::id::InstanceId;
use crate::slo::Suspect;
use crate::time::Timestamp;

/// Reports that wait for an incident at most; the oldest goes first.
const HELD_MAX: usize = 1_024;

/// How long a report waits for an incident to open.
const HOLD: Duration = Duration::from_secs(2);

/// Harm that no incident accounts for yet.
#[derive(Clone, Debug, Default)]
pub(super) struct HeldImpact {
    reports: VecDeque<Held>,
}

#[derive(Clone, Debug)]
struct Held {
    at: Timestamp,
    suspect: Suspect,
    harm: RouteImpact,
}

impl HeldImpact {
    pub(super) fn hold(&mut self, at: Timestamp, suspect: &Suspect, harm: RouteImpact) {
        self.expire(at);
        if self.reports.len() >= HELD_MAX {
            self.reports.pop_front();
        }
        self.reports.push_back(Held {
            at,
            suspect: suspect.clone(),
            harm,
        });
    }

    /// Takes out what waits for an incident of `instance` that began at `onset`. Who found nobody to ask
    /// before that had another reason.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        instance: &InstanceId,
        onset: Timestamp,
    ) -> Vec<RouteImpact> {
        self.expire(now);
        let of_it = |held: &Held| match &held.suspect {
            Suspect::Instance(suspect) => suspect == instance,
            Suspect::Service(service) => *service == instance.service && held.at >= onset,
        };
        let (taken, left): (VecDeque<Held>, VecDeque<Held>) = std::mem::take(&mut self.reports)
            .into_iter()
            .partition(of_it);
        self.reports = left;
        taken.into_iter().map(|held| held.harm).collect()
    }

    pub(super) fn expire(&mut self, now: Timestamp) {
        self.reports.retain(|held| now.since(held.at) <= HOLD);
    }
}
