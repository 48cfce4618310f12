//! The rules of one service.

use std::time::Duration;

use crate::slow_start;

/// When live traffic takes an endpoint out of rotation, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EjectionRules {
    /// Consecutive failures of any kind that eject; 0 turns all of ejection off.
    pub failures: u32,
    /// Consecutive failures to reach it or to get an answer that eject; 0 turns this rule off.
    pub gateway_failures: u32,
    /// Latency against peers, where it is judged.
    pub latency: Option<LatencyRules>,
    /// Success rate against peers, where it is judged.
    pub success: Option<SuccessRules>,
    /// The first ejection lasts so long, each further one twice as long. Requests that could come to no
    /// harm by it try the endpoint so long after any ejection.
    pub base: Duration,
    /// No ejection lasts longer. So long without an ejection takes one off the count.
    pub max: Duration,
    /// The share of a service's endpoints that may be ejected at once, 0 to 1.
    pub max_share: f64,
    /// The share of requests that tries an endpoint whose ejection is over, 0 to 1.
    pub canary: f64,
}

/// What may happen to a request that tries an endpoint which is still as bad as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Risk {
    /// Nothing worth mentioning: it is repeated elsewhere, and soon where there is no answer.
    None,
    /// It may take as long as one try does, before it is repeated elsewhere.
    Delay,
    /// It may fail.
    Failure,
}

/// When an endpoint is too slow beside its peers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyRules {
    /// Most of its answers take longer than the pool's median times this.
    pub factor: f64,
    /// Answers without which nobody is judged.
    pub samples: u32,
}

/// When an endpoint fails too often beside its peers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SuccessRules {
    /// Its share of successes is below this, 0 to 1.
    pub below: f64,
    /// Attempts without which nobody is judged.
    pub samples: u32,
}

impl EjectionRules {
    /// Good answers to canaries that end an ejection.
    pub const CANARIES: u32 = 5;

    /// Where traffic is thin, a thread tries an endpoint at least so often.
    pub const CANARY_EVERY: Duration = Duration::from_secs(2);

    /// How long the share of an endpoint grows that is back from an ejection.
    pub const RETURN: Duration = Duration::from_secs(2);

    /// The weight of an endpoint that is back for `age`: from a half at once to 1 after [`RETURN`](Self::RETURN). It is no
    /// newcomer, and canaries have just found it well: with less, an ejection would outlive its cause.
    #[must_use]
    pub fn weight_back(age: Duration) -> f64 {
        slow_start::grown(0.5, age, Self::RETURN)
    }

    /// Whether one more request is to be the canary that tries an endpoint: `unit` is drawn evenly
    /// between 0 and 1, `in_flight` are the requests under way to it on this thread, and `since`
    /// passed after the last canary. A request that could not be repeated elsewhere is one ten
    /// times less often, and, as all that could come to harm, none before its ejection is `over`.
    #[must_use]
    pub fn canary_due(
        &self,
        unit: f64,
        (risk, over): (Risk, bool),
        in_flight: u32,
        since: Duration,
    ) -> bool {
        let share = match risk {
            Risk::None | Risk::Delay => self.canary,
            Risk::Failure => 0.1 * self.canary,
        };
        (over || risk == Risk::None)
            && in_flight == 0
            && (unit < share || since >= Self::CANARY_EVERY)
    }

    /// Whether anything is judged at all.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.failures > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_back_has_half_its_share_at_once() {
        let half = EjectionRules::weight_back(Duration::ZERO);
        assert!((half - 0.5).abs() < 1e-9);
        let later = EjectionRules::weight_back(EjectionRules::RETURN / 2);
        assert!((later - 0.75).abs() < 1e-9);
        let grown = EjectionRules::weight_back(EjectionRules::RETURN);
        assert!((grown - 1.0).abs() < 1e-9);
    }
}
