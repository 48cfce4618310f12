//! A newcomer's share of traffic while its caches are cold.

use std::time::Duration;

/// The weight that a newcomer begins with.
pub const WEIGHT_MIN: f64 = 0.1;

/// The weight of an endpoint that is ready for `age`: it grows evenly from [`WEIGHT_MIN`] to 1
/// within `window`; a window of zero turns slow start off.
#[must_use]
pub fn weight(age: Duration, window: Duration) -> f64 {
    grown(WEIGHT_MIN, age, window)
}

/// The same from another weight than [`WEIGHT_MIN`].
pub(crate) fn grown(from: f64, age: Duration, window: Duration) -> f64 {
    if age >= window {
        return 1.0;
    }
    let share = age.as_secs_f64() / window.as_secs_f64();
    (1.0 - from).mul_add(share, from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn grows_from_a_tenth_to_full() {
        let window = Duration::from_secs(10);
        assert!((weight(Duration::ZERO, window) - 0.1).abs() < 1e-9);
        assert!((weight(window / 2, window) - 0.55).abs() < 1e-9);
        assert!((weight(window, window) - 1.0).abs() < 1e-9);
        assert!((weight(Duration::ZERO, Duration::ZERO) - 1.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn monotonic_and_bounded(a in 0u64..1 << 40, b in 0u64..1 << 40, window in 0u64..1 << 40) {
            let window = Duration::from_nanos(window);
            let (low, high) = (a.min(b), a.max(b));
            let (low, high) = (
                weight(Duration::from_nanos(low), window),
                weight(Duration::from_nanos(high), window),
            );
            prop_assert!(low <= high && (WEIGHT_MIN..=1.0).contains(&low) && high <= 1.0);
        }
    }
}
