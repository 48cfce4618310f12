//! The rules of one service.

use std::time::Duration;

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
    /// The first ejection lasts so long, each further one twice as long.
    pub base: Duration,
    /// No ejection lasts longer. So long without an ejection takes one off the count.
    pub max: Duration,
    /// The share of a service's endpoints that may be ejected at once, 0 to 1.
    pub max_share: f64,
    /// The share of requests that tries an endpoint whose ejection is over, 0 to 1.
    pub canary: f64,
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

    /// Whether one more request is to be the canary that tries an endpoint: `unit` is drawn evenly
    /// between 0 and 1, `in_flight` are the requests under way to it on this thread, and `since`
    /// passed after the last canary. A request that could not be repeated elsewhere is one ten
    /// times less often.
    #[must_use]
    pub fn canary_due(&self, unit: f64, repeatable: bool, in_flight: u32, since: Duration) -> bool {
        let share = if repeatable { 1.0 } else { 0.1 } * self.canary;
        in_flight == 0 && (unit < share || since >= Self::CANARY_EVERY)
    }

    /// Whether anything is judged at all.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.failures > 0
    }
}
