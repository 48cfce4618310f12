//! A feedback controller.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How strongly a controller reacts to an error, per step. Errors are relative to the target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gains {
    /// To a change of the error.
    pub proportional: f64,
    /// To the error itself; without it the target is never reached.
    pub integral: f64,
    /// To a change of the change; 0 for a PI controller.
    pub derivative: f64,
}

impl Gains {
    /// The field that no controller can work with, and its value.
    pub(crate) fn wrong(&self) -> Option<(&'static str, f64)> {
        let fields = [
            ("proportional", self.proportional, self.proportional >= 0.0),
            ("integral", self.integral, self.integral > 0.0),
            ("derivative", self.derivative, self.derivative >= 0.0),
        ];
        fields
            .into_iter()
            .find(|(_, value, fits)| !fits || *value > GAIN_MAX)
            .map(|(field, value, _)| (field, value))
    }
}

/// The largest gain that makes sense for a share.
pub(crate) const GAIN_MAX: f64 = 10.0;

/// What is to be said about a wrong one.
pub(crate) const GAIN_REMEDY: &str = "take a gain between 0 and 10, for `integral` above 0";

/// A PID controller in velocity form: it keeps its output, so limits on that cannot wind it up, and
/// a change of gains makes no jump (Åström and Hägglund, "PID Controllers", 1995, section 3.5).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pid {
    output: f64,
    last: f64,
    before: f64,
}

impl Pid {
    pub(crate) const fn new(output: f64) -> Self {
        Self {
            output,
            last: 0.0,
            before: 0.0,
        }
    }

    /// The output and the last two errors.
    pub(crate) const fn parts(&self) -> [f64; 3] {
        [self.output, self.last, self.before]
    }

    /// One with these.
    pub(crate) const fn of([output, last, before]: [f64; 3]) -> Self {
        Self {
            output,
            last,
            before,
        }
    }

    /// One step, to an output between `low` and `high`.
    pub(crate) fn step(&mut self, gains: &Gains, error: f64, low: f64, high: f64) -> f64 {
        let change = gains.proportional * (error - self.last)
            + gains.integral * error
            + gains.derivative * (error - 2.0 * self.last + self.before);
        self.before = self.last;
        self.last = error;
        self.output = (self.output + change).clamp(low, high);
        self.output
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    const GAINS: Gains = Gains {
        proportional: 0.1,
        integral: 0.1,
        derivative: 0.0,
    };

    #[test]
    fn finds_the_share_that_a_plant_needs_and_is_not_wound_up() {
        let mut pid = Pid::new(0.0);
        let mut share = 0.0;
        // Load of 1.5 to be brought to 1: a third must go.
        for _ in 0..200 {
            share = pid.step(&GAINS, 1.5 * (1.0 - share) - 1.0, 0.0, 1.0);
        }
        assert!((share - 1.0 / 3.0).abs() < 0.001, "{share}");
        for _ in 0..1_000 {
            share = pid.step(&GAINS, -1.0, 0.0, 1.0);
        }
        assert!(share < f64::EPSILON);
        assert!(pid.step(&GAINS, 1.0, 0.0, 1.0) > 0.05, "reacts at once");
    }

    #[test]
    fn knows_wrong_gains() {
        assert_eq!(GAINS.wrong(), None);
        for wrong in [f64::NAN, -1.0, 11.0, f64::INFINITY] {
            let gains = Gains {
                proportional: wrong,
                ..GAINS
            };
            assert_eq!(gains.wrong().unwrap().0, "proportional");
        }
    }
}
