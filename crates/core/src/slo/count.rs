//! Good and bad events.

use std::ops::{Add, AddAssign};

/// How many events were good and how many bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Good events.
    pub good: u64,
    /// Bad events.
    pub bad: u64,
}

impl Count {
    /// This many.
    #[must_use]
    pub const fn new(good: u64, bad: u64) -> Self {
        Self { good, bad }
    }

    /// All events.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.good.saturating_add(self.bad)
    }

    /// Whether nothing was counted.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.good == 0 && self.bad == 0
    }

    /// Bad over all, from 0 to 1; nothing without events.
    #[must_use]
    pub fn bad_ratio(self) -> Option<f64> {
        (!self.is_empty()).then(|| as_f64(self.bad) / as_f64(self.total()))
    }

    /// The lower bound of the true share of bad events at 95 % one-sided confidence: Wilson's
    /// score interval (Wilson, "Probable Inference", 1927). Zero without events.
    #[must_use]
    pub fn bad_ratio_lower(self) -> f64 {
        const Z: f64 = 1.645;
        let Some(ratio) = self.bad_ratio() else {
            return 0.0;
        };
        let n = as_f64(self.total());
        let centre = ratio + Z * Z / (2.0 * n);
        let spread = Z * (ratio * (1.0 - ratio) / n + Z * Z / (4.0 * n * n)).sqrt();
        ((centre - spread) / (1.0 + Z * Z / n)).max(0.0)
    }
}

/// Counts above 2^53 lose their last digits, which no ratio shows.
#[expect(
    clippy::cast_precision_loss,
    reason = "a ratio needs no more than 53 bits"
)]
const fn as_f64(count: u64) -> f64 {
    count as f64
}

impl Add for Count {
    type Output = Self;

    fn add(self, rhs: Self) -> Self {
        Self {
            good: self.good.saturating_add(rhs.good),
            bad: self.bad.saturating_add(rhs.bad),
        }
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, rhs: Self) {
        *self = *self + rhs;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_numbers_or_nothing() {
        assert_eq!(Count::default().bad_ratio(), None);
        assert!(Count::default().bad_ratio_lower().abs() < f64::EPSILON);
        assert_eq!(Count::new(3, 1).bad_ratio(), Some(0.25));
    }

    #[test]
    fn the_lower_bound_grows_with_the_evidence() {
        let few = Count::new(9, 1).bad_ratio_lower();
        let many = Count::new(9_000, 1_000).bad_ratio_lower();
        assert!(few < 0.03, "{few}");
        assert!((0.09..0.1).contains(&many), "{many}");
        assert!(Count::new(0, 5).bad_ratio_lower() < 0.7);
    }
}
