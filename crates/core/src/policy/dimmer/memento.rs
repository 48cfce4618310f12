//! How far a dimmer is turned down, for the one that takes its place.

use serde::{Deserialize, Serialize};

use super::state::Dimmer;
use crate::policy::control::Pid;

/// The share of a dimmer and the errors that led to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DimmerMemento {
    share: f64,
    /// The last error and the one before.
    errors: [f64; 2],
}

impl DimmerMemento {
    /// Whether it is at full light.
    #[must_use]
    pub fn is_bright(&self) -> bool {
        self.share >= 1.0
    }
}

impl Dimmer {
    /// What another one has to know to go on in its place.
    #[must_use]
    pub fn memento(&self) -> DimmerMemento {
        let [share, last, before] = self.memory().pid.parts();
        DimmerMemento {
            share,
            errors: [last, before],
        }
    }

    /// Goes on from where another one was, within its own configuration. What makes no sense is left
    /// out.
    pub fn restore(&self, memento: &DimmerMemento) {
        let [last, before] = memento.errors;
        let all = [memento.share, last, before];
        if !all.iter().all(|part| part.is_finite()) {
            return;
        }
        let low = self.config().min_share.as_f64();
        let share = memento.share.clamp(low, 1.0);
        let mut memory = self.memory();
        // Errors are relative to the target, and at most 1 either way.
        memory.pid = Pid::of([share, last.clamp(-1.0, 1.0), before.clamp(-1.0, 1.0)]);
        memory.share = share;
        self.show(share);
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::DimmerConfig;
    use super::*;
    use crate::time::Timestamp;
    use crate::units::Ratio;

    fn carried(memento: &DimmerMemento) -> DimmerMemento {
        let text = serde_json::to_string(memento).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn observe(dimmer: &Dimmer, ms: u64, at: Timestamp) {
        for n in 0..20 {
            dimmer.observe(Duration::from_millis(ms), at + Duration::from_millis(n));
        }
    }

    proptest! {
        /// Wherever the one was: its share, and what the next step follows from.
        #[test]
        fn it_goes_on_where_the_one_before_was(
            before in prop::collection::vec(1_u64..3_000, 0..30),
        ) {
            let (one, next) = (Dimmer::default(), Dimmer::default());
            let mut now = Timestamp::from_secs(1_000);
            for ms in before {
                now = now + Duration::from_secs(1);
                observe(&one, ms, now);
            }
            next.restore(&carried(&one.memento()));
            // The text of a number is as good as its last digit.
            let parts = |dimmer: &Dimmer| dimmer.memory().pid.parts();
            for (next, one) in parts(&next).into_iter().zip(parts(&one)) {
                prop_assert!((next - one).abs() < 1e-12);
            }
            let draws = |dimmer: &Dimmer| (0..500).filter(|_| dimmer.serve_optional()).count();
            prop_assert_eq!(draws(&next), draws(&one));
        }
    }

    #[test]
    fn a_share_is_bounded_by_the_settings() {
        let config = DimmerConfig {
            min_share: Ratio::percent(20),
            ..DimmerConfig::default()
        };
        for (said, becomes) in [(0.0, 0.2), (0.5, 0.5), (9.0, 1.0), (f64::NAN, 1.0)] {
            let dimmer = Dimmer::new(config).unwrap();
            dimmer.restore(&DimmerMemento {
                share: said,
                errors: [1e9, -1e9],
            });
            assert!((dimmer.share() - becomes).abs() < 1e-9, "{said}");
            assert_eq!(dimmer.memento().is_bright(), becomes >= 1.0);
        }
    }
}
