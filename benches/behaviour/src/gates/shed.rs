//! Ninefold's load shedder, with a fixed limit or one that an adaptive limiter finds.

use std::collections::BTreeMap;

use ninefold_core::policy::queue::Waiting;
use ninefold_core::policy::{
    AdaptiveLimiter, AdaptiveLimiterConfig, Admission, LimiterToken, LoadShedder,
    LoadShedderConfig, Outcome, RequestMeta,
};
use ninefold_core::time::Timestamp;

use super::room::Room;
use super::{Gate, Verdict};

/// The shedder and its waiting room.
#[derive(Debug)]
pub(crate) struct Shed {
    room: Room<LoadShedder>,
    found: Option<Found>,
}

/// What finds the limit.
#[derive(Debug)]
struct Found {
    limiter: AdaptiveLimiter,
    running: BTreeMap<usize, LimiterToken>,
}

impl Shed {
    /// With a limit that is known.
    pub(crate) fn new(config: LoadShedderConfig) -> Self {
        let shedder = LoadShedder::new(config).expect("a valid shedder");
        Self {
            room: Room::new(shedder),
            found: None,
        }
    }

    /// With a limit that is found.
    pub(crate) fn adaptive(config: LoadShedderConfig, limiter: AdaptiveLimiterConfig) -> Self {
        let limiter = AdaptiveLimiter::new(limiter).expect("a valid limiter");
        let shed = Self::new(config);
        shed.room.policy.set_limit(limiter.limit());
        Self {
            found: Some(Found {
                limiter,
                running: BTreeMap::new(),
            }),
            ..shed
        }
    }

    /// Lets the limiter time what starts. It has the same limit as the shedder, so it refuses none.
    fn time(&mut self, now: Timestamp, from: usize, out: &[Verdict]) {
        let Some(found) = &mut self.found else {
            return;
        };
        for verdict in &out[from..] {
            let Verdict::Starts(id) = verdict else {
                continue;
            };
            if let Ok(token) = found.limiter.try_acquire(&RequestMeta::default(), now) {
                found.running.insert(*id, token);
            }
        }
    }
}

impl Gate for Shed {
    fn arrives(&mut self, id: usize, call: &RequestMeta, now: Timestamp, out: &mut Vec<Verdict>) {
        let from = out.len();
        self.room.arrives(id, call, now, out);
        self.time(now, from, out);
    }

    fn ends(&mut self, id: usize, late: bool, now: Timestamp, out: &mut Vec<Verdict>) {
        self.room.settle(id, now);
        if let Some(found) = &mut self.found
            && let Some(token) = found.running.remove(&id)
        {
            let outcome = if late {
                Outcome::Failure
            } else {
                Outcome::Success
            };
            found.limiter.settle(token, outcome, now);
            self.room.policy.set_limit(found.limiter.limit());
        }
        if self.room.policy.waiting() > 0 {
            self.polls(now, out);
        }
    }

    fn poll_at(&self) -> Option<Timestamp> {
        self.room.poll_at()
    }

    fn polls(&mut self, now: Timestamp, out: &mut Vec<Verdict>) {
        let from = out.len();
        self.room.turn(now, out);
        self.time(now, from, out);
    }
}
