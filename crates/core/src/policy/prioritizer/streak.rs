//! How many windows in a row were alike, and what follows from that.

use super::PrioritizerConfig;

/// More than so many are as many.
const LONGEST: u32 = 32;

/// What a window of lasting overload lets in at least, of what the one before let in.
const KEPT_LEAST: f64 = 0.5;

/// Windows in a row of overload, or of none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Streak {
    overload: bool,
    length: u32,
}

impl Streak {
    /// Another window.
    pub(super) fn and(self, overload: bool) -> Self {
        let before = if self.overload == overload {
            self.length
        } else {
            0
        };
        Self {
            overload,
            length: before.saturating_add(1).min(LONGEST),
        }
    }

    pub(super) const fn is_overload(self) -> bool {
        self.overload
    }

    /// The room of the next window after one of overload, in which `begun` of those `admitted`
    /// were begun. The first may be a pause: only if it lasts is what is begun taken for all that
    /// can be.
    pub(super) fn bound(self, room: f64, admitted: f64, begun: u32) -> f64 {
        if self.length < 2 {
            return room;
        }
        let begun = f64::from(begun);
        let most = 2.0f64.mul_add(begun.sqrt(), begun);
        room.min(most.max(admitted * KEPT_LEAST))
    }

    /// How much more is let in after a window without overload: twice as much with each, up to
    /// `decrease`.
    pub(super) fn increase(self, config: &PrioritizerConfig) -> f64 {
        let doubled = 1u32 << self.length.saturating_sub(1).min(LONGEST - 1);
        let increase = config.increase.as_f64() * f64::from(doubled);
        increase.min(config.decrease.as_f64())
    }

    pub(super) const fn bits(self) -> u32 {
        self.length << 1 | self.overload as u32
    }

    pub(super) const fn of_bits(bits: u32) -> Self {
        Self {
            overload: bits & 1 == 1,
            length: bits >> 1,
        }
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    #[test]
    fn lasting_overload_is_cut_to_what_is_begun_but_a_pause_is_not() {
        let first = Streak::default().and(true);
        assert_eq!(first.bound(950.0, 1_000.0, 3).to_bits(), 950f64.to_bits());
        let second = first.and(true);
        assert_eq!(second.bound(950.0, 1_000.0, 3).to_bits(), 500f64.to_bits());
        assert_eq!(
            second.bound(9_500.0, 10_000.0, 6_400).to_bits(),
            6_560f64.to_bits()
        );
        assert_eq!(
            second.bound(950.0, 1_000.0, 990).to_bits(),
            950f64.to_bits()
        );
    }

    #[test]
    fn the_way_back_speeds_up_to_the_step_down() {
        let config = PrioritizerConfig::default();
        let mut streak = Streak::default().and(true);
        let steps: Vec<f64> = (0..40)
            .map(|_| {
                streak = streak.and(false);
                streak.increase(&config)
            })
            .collect();
        assert_eq!(steps[..5], [0.01, 0.02, 0.04, 0.05, 0.05]);
        assert!(steps.iter().all(|step| *step <= 0.05));
    }

    #[test]
    fn goes_into_a_word_and_comes_back() {
        let mut streak = Streak::default();
        for overload in [true, true, false, true].into_iter().chain([false; 50]) {
            streak = streak.and(overload);
            assert_eq!(Streak::of_bits(streak.bits()), streak);
        }
        assert_eq!(streak.length, LONGEST);
    }
}
