//! An endpoint in one thread's view.

use std::rc::Rc;
use std::time::Duration;

use ninefold_core::ejection::EjectionRules;
use ninefold_core::slow_start;
use ninefold_core::time::Timestamp;

use crate::fleet::Member;
use crate::upstream::Upstream;

#[derive(Clone, Debug)]
pub(crate) struct Local {
    pub(crate) upstream: Rc<Upstream>,
    pub(crate) member: Member,
}

impl Local {
    /// Its share of traffic beside the others' of the same weight: less while it is new, or just
    /// back from an ejection.
    pub(super) fn ramp(&self, now: Timestamp, window: Duration) -> f64 {
        let fresh = self
            .member
            .ready_since
            .filter(|_| !window.is_zero())
            .map_or(1.0, |since| slow_start::weight(now.since(since), window));
        let back = self.upstream.endpoint.fate.back_since();
        let back = back.map_or(1.0, |at| EjectionRules::weight_back(now.since(at)));
        fresh * back
    }

    /// Its weight, as much as it has of it by now.
    pub(super) fn weight(&self, now: Timestamp, window: Duration) -> f64 {
        f64::from(self.member.weight) * self.ramp(now, window)
    }

    /// When it has its whole weight.
    pub(super) fn grown_at(&self, window: Duration) -> Timestamp {
        let fresh = self.member.ready_since.map(|since| since + window);
        let back = self.upstream.endpoint.fate.back_since();
        let back = back.map(|at| at + EjectionRules::RETURN);
        fresh.max(back).unwrap_or(Timestamp::ZERO)
    }
}
