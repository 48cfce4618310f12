//! When a queue stands (RFC 8289, section 5, as changed by "Fail at Scale").

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{InvalidPolicy, PolicyKind};
use crate::time::Timestamp;
use crate::units::Span;

/// How long a queue may delay, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CodelConfig {
    /// The delay that is nothing to worry about; `5ms`. Whoever waits twice as long is refused
    /// while the queue stands. Raised by itself to the time between two places becoming free.
    pub target: Span,
    /// For how long the delay must stay above it; `100ms`. At least `target`; about the time in
    /// which callers react.
    pub interval: Span,
    /// The same as `target` for those for whose sake the less critical are refused; `100ms`. At least
    /// `target`. Less than half of what callers wait for: who waits for longer is answered in vain.
    pub critical_target: Span,
}

impl Default for CodelConfig {
    fn default() -> Self {
        Self {
            target: Span::millis(5),
            interval: Span::millis(100),
            critical_target: Span::millis(100),
        }
    }
}

impl CodelConfig {
    /// Checks it on behalf of `policy`.
    ///
    /// # Errors
    ///
    /// Says which field makes no sense, and what would.
    pub fn validate(&self, policy: PolicyKind) -> Result<(), InvalidPolicy> {
        if self.target.0.is_zero() {
            return Err(InvalidPolicy {
                policy,
                field: "target",
                value: self.target.to_string(),
                remedy: "take a delay above zero, such as 5ms",
            });
        }
        if self.interval < self.target {
            return Err(InvalidPolicy {
                policy,
                field: "interval",
                value: self.interval.to_string(),
                remedy: "take at least `target`, or better twenty times as much",
            });
        }
        if self.critical_target < self.target {
            return Err(InvalidPolicy {
                policy,
                field: "critical_target",
                value: self.critical_target.to_string(),
                remedy: "take at least `target`, or better as much as `interval`",
            });
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The delay was below the target a moment ago.
    Flows,
    /// The delay is above the target, without a break since then.
    Above(Timestamp),
    /// The queue stands; then somebody last had to be refused.
    Stands(Timestamp),
}

/// The state of controlled delay over one queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Codel {
    target: Duration,
    interval: Duration,
    critical_target: Duration,
    /// Whether that one counts.
    patient: bool,
    state: State,
}

impl Codel {
    pub(crate) const fn new(config: CodelConfig) -> Self {
        Self {
            target: config.target.0,
            interval: config.interval.0,
            critical_target: config.critical_target.0,
            patient: false,
            state: State::Flows,
        }
    }

    /// Takes other values, and at least `turn`, the time between two places becoming free.
    pub(crate) fn tune(&mut self, config: CodelConfig, turn: Duration) {
        self.target = config.target.0.max(turn);
        self.interval = config.interval.0.max(self.target);
        self.critical_target = config.critical_target.0.max(self.target);
    }

    /// The delay that is nothing to worry about: longer for those who wait while others are refused
    /// for their sake.
    const fn target(&self) -> Duration {
        if self.patient {
            self.critical_target
        } else {
            self.target
        }
    }

    /// Whether those who matter less are being refused. When they no longer are, those who have waited
    /// for that are served first: nobody is refused because the load is over.
    pub(crate) fn be_patient(&mut self, patient: bool, oldest: Option<Timestamp>, now: Timestamp) {
        let short = || oldest.is_none_or(|arrived| now < arrived + self.target);
        self.patient = patient || self.patient && !short();
    }

    /// Whether others are refused for the sake of those who wait here, or were.
    pub(crate) const fn is_patient(&self) -> bool {
        self.patient
    }

    /// The longest waiting came at `oldest`. To be told whenever that changes.
    pub(crate) fn observe(&mut self, oldest: Option<Timestamp>, now: Timestamp) {
        if let State::Stands(last) = self.state {
            let until = last + self.interval;
            match oldest.map(|arrived| arrived + self.overdue_after()) {
                Some(overdue) if overdue <= now && overdue <= until => {
                    self.state = State::Stands(now);
                    return;
                }
                _ if now < until => return,
                _ => self.state = State::Flows,
            }
        }
        let Some(above) = oldest.map(|arrived| arrived + self.target()) else {
            self.state = State::Flows;
            return;
        };
        let since = match self.state {
            _ if now < above => {
                self.state = State::Flows;
                return;
            }
            State::Above(since) => since,
            State::Flows | State::Stands(_) => above,
        };
        self.state = if now >= since + self.interval {
            State::Stands(now)
        } else {
            State::Above(since)
        };
    }

    pub(crate) const fn stands(&self) -> bool {
        matches!(self.state, State::Stands(_))
    }

    /// When the queue stands no more, if nobody is refused until then.
    pub(crate) fn flows_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Stands(last) => Some(last + self.interval),
            State::Flows | State::Above(_) => None,
        }
    }

    /// How long one may wait while the queue stands.
    pub(crate) const fn overdue_after(&self) -> Duration {
        self.target().saturating_mul(2)
    }

    /// When something happens next if the longest waiting stays.
    pub(crate) fn poll_at(&self, oldest: Timestamp) -> Timestamp {
        match self.state {
            State::Stands(_) => oldest + self.overdue_after(),
            State::Above(since) => since + self.interval,
            State::Flows => oldest + self.target() + self.interval,
        }
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn stands_after_an_interval_above_the_target_and_flows_after_one_without_refusal() {
        let mut codel = Codel::new(CodelConfig::default());
        codel.observe(Some(ms(1_000)), ms(1_000));
        assert_eq!(codel.poll_at(ms(1_000)), ms(1_105));
        codel.observe(Some(ms(1_050)), ms(1_060));
        assert_eq!(codel.poll_at(ms(1_050)), ms(1_155), "above since 1055");
        codel.observe(Some(ms(1_140)), ms(1_154));
        assert!(!codel.stands());
        codel.observe(Some(ms(1_150)), ms(1_155));
        assert!(codel.stands());
        codel.observe(Some(ms(1_150)), ms(1_160));
        codel.observe(None, ms(1_161));
        codel.observe(Some(ms(1_258)), ms(1_259));
        assert!(codel.stands(), "refused at 1160");
        codel.observe(Some(ms(1_258)), ms(1_260));
        assert!(!codel.stands());
    }

    #[test]
    fn one_short_delay_within_the_interval_is_a_burst() {
        let mut codel = Codel::new(CodelConfig::default());
        for start in (0..1_000u64).step_by(90) {
            codel.observe(Some(ms(start)), ms(start));
            codel.observe(Some(ms(start)), ms(start + 80));
            codel.observe(None, ms(start + 85));
            assert!(!codel.stands(), "{start}");
        }
    }
}
