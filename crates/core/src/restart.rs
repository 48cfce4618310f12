//! Restart budgets and crash loops.
//!
//! An instance that ran long enough starts again almost at once. One that soon exits waits longer
//! each time ([`crate::policy::backoff`]), and one that spends its budget of restarts is in a crash loop:
//! that is said once, and from then on it is only retried at a slow, even pace, as the restart
//! intensity of OTP supervisors and systemd's start limit do, but without ever giving up.

use std::collections::VecDeque;
use std::time::Duration;

use crate::policy::Backoff;
use crate::rng::Rng;
use crate::time::Timestamp;

/// Exits that are remembered at most, whatever the budget says.
const EXITS_MAX: u32 = 1_000;

/// How an instance is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// The waits.
    pub backoff: Backoff,
    /// Restarts within `within` that are still no crash loop.
    pub budget: u32,
    /// The window of the budget.
    pub within: Duration,
    /// The pace at which a crash loop is retried.
    pub crash_loop_every: Duration,
}

impl RestartPolicy {
    /// An instance that ran this long is stable: its next restart is quick, and it is out of its
    /// crash loop. It is the pace at which the budget is just not spent.
    #[must_use]
    pub fn stable_after(&self) -> Duration {
        self.within / self.budget.max(1)
    }
}

/// What follows an exit or a failed start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Start again after `wait`.
    Restart {
        /// How long to wait.
        wait: Duration,
    },
    /// The budget is spent: start again after `wait`, at the slow pace.
    CrashLoop {
        /// How long to wait.
        wait: Duration,
        /// Exits within the window, this one included.
        exits: u32,
        /// Whether the loop begins with this exit. True once for each loop.
        begins: bool,
    },
}

/// The exits of one instance.
#[derive(Clone, Debug)]
pub struct RestartHistory {
    policy: RestartPolicy,
    exits: VecDeque<Timestamp>,
    attempt: u32,
    looping: bool,
}

impl RestartHistory {
    /// Without exits.
    #[must_use]
    pub const fn new(policy: RestartPolicy) -> Self {
        Self {
            policy,
            exits: VecDeque::new(),
            attempt: 0,
            looping: false,
        }
    }

    /// Whether the instance is in a crash loop.
    #[must_use]
    pub const fn looping(&self) -> bool {
        self.looping
    }

    /// An exit at `now`, `ran` after the start (zero for a start that failed). `now` is monotonic.
    pub fn exited(&mut self, now: Timestamp, ran: Duration, rng: &mut Rng) -> Decision {
        if ran >= self.policy.stable_after() {
            self.attempt = 0;
            self.looping = false;
        }
        while let Some(first) = self.exits.front() {
            if now.since(*first) < self.policy.within {
                break;
            }
            self.exits.pop_front();
        }
        let budget = self.policy.budget.min(EXITS_MAX);
        while self.exits.len() > budget as usize {
            self.exits.pop_front();
        }
        self.exits.push_back(now);
        let exits = u32::try_from(self.exits.len()).unwrap_or(u32::MAX);
        if self.looping || exits > budget {
            let begins = !self.looping;
            self.looping = true;
            return Decision::CrashLoop {
                wait: self.slow_wait(rng),
                exits,
                begins,
            };
        }
        let wait = self.policy.backoff.wait(self.attempt, None, rng);
        self.attempt = self.attempt.saturating_add(1);
        Decision::Restart { wait }
    }

    /// An exit that is not the instance's own fault (a planned restart, an injected fault): it
    /// costs no budget and the next start is quick.
    pub fn excused(&mut self, rng: &mut Rng) -> Duration {
        self.policy.backoff.wait(0, None, rng)
    }

    /// The slow pace with a tenth of jitter, so that loops of many instances do not fall together.
    fn slow_wait(&self, rng: &mut Rng) -> Duration {
        let tenth = self.policy.crash_loop_every / 10;
        self.policy.crash_loop_every.saturating_sub(tenth) + rng.jitter(tenth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> RestartPolicy {
        RestartPolicy {
            backoff: Backoff::exponential(Duration::from_millis(100), Duration::from_secs(30)),
            budget: 5,
            within: Duration::from_secs(60),
            crash_loop_every: Duration::from_secs(30),
        }
    }

    #[test]
    fn the_first_restart_of_a_stable_instance_is_quick() {
        let mut rng = Rng::new(1);
        let mut history = RestartHistory::new(policy());
        for round in 0..100u64 {
            let now = Timestamp::from_secs(13 * (round + 1));
            match history.exited(now, Duration::from_secs(13), &mut rng) {
                Decision::Restart { wait } => assert!(wait <= Duration::from_millis(100)),
                other @ Decision::CrashLoop { .. } => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn the_budget_ends_in_a_crash_loop_that_begins_once() {
        let mut rng = Rng::new(2);
        let mut history = RestartHistory::new(policy());
        let mut now = Timestamp::from_secs(100);
        let mut begins = 0;
        let mut slow = 0;
        for exit in 0..20 {
            match history.exited(now, Duration::from_millis(5), &mut rng) {
                Decision::Restart { wait } => {
                    assert!(exit < 5, "restart {exit} is over the budget");
                    now = now + wait;
                }
                Decision::CrashLoop {
                    wait, begins: b, ..
                } => {
                    assert!(wait >= Duration::from_secs(27) && wait <= Duration::from_secs(30));
                    begins += u32::from(b);
                    slow += 1;
                    now = now + wait;
                }
            }
        }
        assert_eq!((begins, slow), (1, 15));
        assert!(history.looping());
    }

    #[test]
    fn a_stable_run_ends_the_loop() {
        let mut rng = Rng::new(3);
        let mut history = RestartHistory::new(policy());
        for _ in 0..6 {
            history.exited(Timestamp::from_secs(1), Duration::ZERO, &mut rng);
        }
        assert!(history.looping());
        let decision = history.exited(Timestamp::from_secs(90), Duration::from_secs(80), &mut rng);
        assert!(
            matches!(decision, Decision::Restart { wait } if wait <= Duration::from_millis(100))
        );
        assert!(!history.looping());
    }

    #[test]
    fn a_budget_of_nothing_loops_at_once() {
        let mut history = RestartHistory::new(RestartPolicy {
            budget: 0,
            ..policy()
        });
        let decision = history.exited(Timestamp::from_secs(1), Duration::ZERO, &mut Rng::new(4));
        assert!(matches!(
            decision,
            Decision::CrashLoop {
                begins: true,
                exits: 1,
                ..
            }
        ));
    }

    #[test]
    fn excused_exits_cost_nothing() {
        let mut rng = Rng::new(5);
        let mut history = RestartHistory::new(policy());
        for _ in 0..50 {
            assert!(history.excused(&mut rng) <= Duration::from_millis(100));
        }
        assert!(!history.looping());
    }
}
