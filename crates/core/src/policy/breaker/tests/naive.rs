//! A breaker without atomics: queues, plain numbers, and verdicts by trying everything.

use super::super::{CircuitBreakerConfig, SlidingWindow, State};
use crate::policy::{Outcome, Reason};
use crate::units::Ratio;

const MILLI: u64 = 1_000_000;

/// What the naive breaker remembers of a call: the generation it began in, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    generation: u32,
    at_ms: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Naive {
    pub(super) config: CircuitBreakerConfig,
    pub(super) state: State,
    generation: u32,
    /// (when it ended, failed, slow), the oldest first.
    window: Vec<(u64, bool, bool)>,
    since_ms: u64,
    wait_ms: u64,
    reopened: u32,
    pub(super) admitted: u64,
    pub(super) trials: Vec<(bool, bool)>,
    pub(super) changes: Vec<String>,
}

/// Whether `part` of `whole` is at least `rate`. All rates here are whole per cents.
fn reaches(part: usize, whole: usize, rate: Ratio) -> bool {
    part as u64 * 100 >= whole as u64 * (rate.parts_per_billion() / 10_000_000)
}

impl Naive {
    pub(super) fn new(config: CircuitBreakerConfig) -> Self {
        Self {
            config,
            state: State::Closed,
            generation: 0,
            window: Vec::new(),
            since_ms: 0,
            wait_ms: 0,
            reopened: 0,
            admitted: 0,
            trials: Vec::new(),
            changes: Vec::new(),
        }
    }

    pub(super) fn go(&mut self, to: State, now_ms: u64) {
        if self.state != to {
            let (from, to) = (self.state.as_str(), to.as_str());
            self.changes.push(format!("{from} -> {to}"));
        }
        if to == State::Open {
            self.reopened = if self.state == State::HalfOpen {
                self.reopened + 1
            } else {
                0
            };
            let grown = self.config.open_wait.as_nanos() / MILLI * 2u64.pow(self.reopened.min(20));
            self.wait_ms = grown.min(self.config.open_wait_max.as_nanos() / MILLI);
        } else if to != State::HalfOpen {
            self.reopened = 0;
        }
        self.state = to;
        self.generation += 1;
        self.window.clear();
        self.trials.clear();
        self.admitted = 0;
        self.since_ms = now_ms;
    }

    fn begun(&self, now_ms: u64) -> Begun {
        Begun {
            generation: self.generation,
            at_ms: self.config.slow_call_duration.map(|_| now_ms),
        }
    }

    /// Leave, or why not and how many milliseconds are left.
    pub(super) fn acquire(&mut self, now_ms: u64) -> Result<Begun, (Reason, Option<u64>)> {
        let passed = now_ms - self.since_ms;
        if self.state == State::HalfOpen {
            let limit = self.config.max_wait_in_half_open.as_nanos() / MILLI;
            if passed >= limit && self.admitted > 0 {
                let hung = usize::try_from(self.admitted).unwrap() - self.trials.len();
                let good = self.trials.iter().filter(|(failed, _)| !failed).count();
                let slow = self.trials.iter().filter(|(_, slow)| *slow).count();
                let all = self.trials.len() + hung;
                let close = reaches(good, all, self.config.half_open_success_rate)
                    && !reaches(slow, all, self.config.slow_call_rate_threshold);
                self.go(if close { State::Closed } else { State::Open }, now_ms);
            } else if passed >= limit {
                self.since_ms = now_ms;
            }
        }
        match self.state {
            State::Closed | State::Disabled | State::MetricsOnly => Ok(self.begun(now_ms)),
            State::ForcedOpen => Err((Reason::ForcedOpen, None)),
            State::Open => {
                let passed = now_ms - self.since_ms;
                if passed < self.wait_ms {
                    return Err((Reason::CallNotPermitted, Some(self.wait_ms - passed)));
                }
                self.go(State::HalfOpen, now_ms);
                self.admitted = 1;
                Ok(self.begun(now_ms))
            }
            State::HalfOpen => {
                let passed = now_ms - self.since_ms;
                let limit = self.config.max_wait_in_half_open.as_nanos() / MILLI;
                if self.admitted < u64::from(self.config.permitted_calls_in_half_open) {
                    self.admitted += 1;
                    return Ok(self.begun(now_ms));
                }
                Err((Reason::HalfOpenFull, Some(limit - passed)))
            }
        }
    }

    pub(super) fn settle(&mut self, begun: Begun, outcome: Outcome, now_ms: u64) {
        let late = match (begun.at_ms, self.config.slow_call_duration) {
            (Some(at), Some(slow)) => (now_ms - at) * MILLI >= slow.as_nanos(),
            _ => false,
        };
        if outcome == Outcome::Ignored {
            return self.cancel(begun);
        }
        if begun.generation != self.generation {
            return;
        }
        let failed = outcome == Outcome::Failure;
        let slow = late || outcome == Outcome::Slow;
        if self.state == State::HalfOpen {
            self.trials.push((failed, slow));
            self.judge_trials(now_ms);
        } else if self.state != State::Disabled {
            self.record(now_ms, failed, slow);
        }
    }

    fn record(&mut self, now_ms: u64, failed: bool, slow: bool) {
        let before = self.counts(now_ms);
        self.window.push((now_ms, failed, slow));
        if let SlidingWindow::Count(calls) = self.config.sliding_window {
            let surplus = self.window.len().saturating_sub(calls as usize);
            self.window.drain(..surplus);
        }
        let counts = self.counts(now_ms);
        let (calls, bad, late) = counts;
        let trips = calls >= self.config.minimum_calls as usize
            && (reaches(bad, calls, self.config.failure_rate_threshold)
                || reaches(late, calls, self.config.slow_call_rate_threshold));
        let looked_at = failed || slow || counts != before;
        if self.state == State::Closed && trips && looked_at {
            self.go(State::Open, now_ms);
        }
    }

    pub(super) fn counts(&self, now_ms: u64) -> (usize, usize, usize) {
        let within = |ended_ms: u64| match self.config.sliding_window {
            SlidingWindow::Count(_) => true,
            SlidingWindow::Time { span, buckets } => {
                let step_ms = span.as_nanos() / MILLI / u64::from(buckets);
                ended_ms / step_ms + u64::from(buckets) > now_ms / step_ms
            }
        };
        let window: Vec<_> = self.window.iter().filter(|call| within(call.0)).collect();
        (
            window.len(),
            window.iter().filter(|call| call.1).count(),
            window.iter().filter(|call| call.2).count(),
        )
    }

    /// By trying every way in which the trials that are to come could end.
    fn judge_trials(&mut self, now_ms: u64) {
        let all = self.config.permitted_calls_in_half_open as usize;
        let to_come = all.saturating_sub(self.trials.len());
        let failed = self.trials.iter().filter(|trial| trial.0).count();
        let slow = self.trials.iter().filter(|trial| trial.1).count();
        let all = all.max(self.trials.len());
        let mut verdicts = Vec::new();
        for more_failed in 0..=to_come {
            for more_slow in 0..=to_come {
                let good = all - failed - more_failed;
                verdicts.push(
                    reaches(good, all, self.config.half_open_success_rate)
                        && !reaches(slow + more_slow, all, self.config.slow_call_rate_threshold),
                );
            }
        }
        if verdicts.iter().all(|close| *close) {
            self.go(State::Closed, now_ms);
        } else if verdicts.iter().all(|close| !*close) {
            self.go(State::Open, now_ms);
        }
    }

    pub(super) fn cancel(&mut self, begun: Begun) {
        if self.state == State::HalfOpen && begun.generation == self.generation {
            self.admitted -= 1;
        }
    }

    pub(super) fn reconfigure(&mut self, config: CircuitBreakerConfig) {
        if config.sliding_window != self.config.sliding_window
            && matches!(self.state, State::Closed | State::MetricsOnly)
        {
            self.generation += 1;
            if let SlidingWindow::Count(calls) = config.sliding_window {
                let surplus = self.window.len().saturating_sub(calls as usize);
                self.window.drain(..surplus);
            }
        }
        self.config = config;
    }
}
