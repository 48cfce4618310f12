use std::collections::VecDeque;
use std::time::Duration;

use crate::id::InstanceId;
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
pub(super) struct Held {
    at: Timestamp,
    instance: InstanceId,
    pub(super) route: String,
    pub(super) hurt: u64,
    pub(super) masked: u64,
}

impl HeldImpact {
    pub(super) fn hold(
        &mut self,
        at: Timestamp,
        instance: &InstanceId,
        route: &str,
        (hurt, masked): (u64, u64),
    ) {
        self.expire(at);
        if self.reports.len() >= HELD_MAX {
            self.reports.pop_front();
        }
        self.reports.push_back(Held {
            at,
            instance: instance.clone(),
            route: route.to_owned(),
            hurt,
            masked,
        });
    }

    /// Takes out what waits for an incident of `instance`.
    pub(super) fn take(&mut self, now: Timestamp, instance: &InstanceId) -> Vec<Held> {
        self.expire(now);
        let (taken, left): (VecDeque<Held>, VecDeque<Held>) = std::mem::take(&mut self.reports)
            .into_iter()
            .partition(|held| held.instance == *instance);
        self.reports = left;
        taken.into()
    }

    pub(super) fn expire(&mut self, now: Timestamp) {
        self.reports.retain(|held| now.since(held.at) <= HOLD);
    }
}
