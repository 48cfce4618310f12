//! An instance as the gateway sees it.

use std::time::Duration;

use ninefold_core::balance::{PeakEwma, Standing, TRIAL_AFTER, cost};
use ninefold_core::ejection::{EjectionRules, EndpointHealth, Look, Tally, bucket};
use ninefold_core::time::Timestamp;

use crate::NodeId;

#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) home: NodeId,
    /// Index of its place, as the gateway counts them; its own is 0.
    pub(super) place: usize,
    /// 0 is the gateway's own zone, 1 its region, 2 everywhere else.
    pub(super) tier: usize,
    /// Whether its node is a member.
    pub(super) admitted: bool,
    /// Whether its node may be gone, so that others are asked first.
    pub(super) withheld: bool,
    pub(super) health: EndpointHealth,
    pub(super) tally: Tally,
    /// Whether a connection is kept.
    pub(super) kept: bool,
    pub(super) tried: Timestamp,
    ewma: PeakEwma,
    in_flight: u32,
    heard: Timestamp,
    back: Option<Timestamp>,
}

impl Endpoint {
    pub(super) fn new(home: NodeId, place: usize, tier: usize) -> Self {
        Self {
            home,
            place,
            tier,
            admitted: true,
            withheld: false,
            health: EndpointHealth::default(),
            tally: Tally::default(),
            kept: false,
            tried: Timestamp::ZERO,
            ewma: PeakEwma::default(),
            in_flight: 0,
            heard: Timestamp::ZERO,
            back: None,
        }
    }

    pub(super) const fn is_out(&self) -> bool {
        self.health.ejected_until().is_some() || self.health.is_canary()
    }

    pub(super) const fn standing(&self) -> Standing {
        match (self.admitted, self.is_out(), self.withheld) {
            (false, ..) => Standing::Out,
            (true, true, _) => Standing::Ejected,
            (true, false, true) => Standing::Degraded,
            (true, false, false) => Standing::In,
        }
    }

    pub(super) const fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// What one more request here would cost.
    pub(super) fn cost(&self, now: Timestamp) -> f64 {
        let stalled = match self.in_flight {
            0 => Duration::ZERO,
            _ => now.since(self.heard),
        };
        cost(self.ewma.at_least(now, stalled), self.in_flight, 1.0)
    }

    pub(super) fn weight(&self, now: Timestamp) -> f64 {
        let back = self
            .back
            .map(|at| EjectionRules::weight_back(now.since(at)));
        back.unwrap_or(1.0)
    }

    /// Whether it failed, and nobody has tried it for a while.
    pub(super) fn wants_trial(&self, now: Timestamp) -> bool {
        let failed = self.health.streaks().0 > 0 && !self.is_out();
        failed && self.in_flight == 0 && now.since(self.tried) >= TRIAL_AFTER
    }

    pub(super) fn begin(&mut self, now: Timestamp) {
        if self.in_flight == 0 {
            self.heard = now;
        }
        self.in_flight += 1;
        self.tried = now;
    }

    /// An attempt has ended, in an answer that is good or none.
    pub(super) fn end(&mut self, now: Timestamp, took: Duration, good: bool) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.tally.attempts += 1;
        if good {
            self.heard = now;
            self.ewma.observe(now, took);
            if let Some(answers) = self.tally.answers.get_mut(bucket(took)) {
                *answers += 1;
            }
        } else {
            self.ewma.penalise(now, took);
            self.tally.failures += 1;
        }
    }

    /// It is a member again, or no longer: another process has nothing to do with what was before.
    pub(super) fn admit(&mut self, admitted: bool) {
        if admitted && !self.admitted {
            self.health = EndpointHealth::default();
            self.ewma = PeakEwma::default();
            self.back = None;
        }
        self.kept &= admitted;
        self.admitted = admitted;
    }

    /// It is back from an ejection.
    pub(super) const fn come_back(&mut self, now: Timestamp) {
        self.back = Some(now);
    }

    pub(super) fn look(&self, key: usize) -> Look<usize> {
        Look {
            key,
            tally: self.tally.clone(),
            in_rotation: self.admitted && !self.is_out(),
        }
    }
}
