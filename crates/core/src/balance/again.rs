//! When an endpoint that failed is asked again, and when an answer is given up.

use std::time::Duration;

/// How soon after a failure a gateway tries an endpoint again. The penalty of a failure keeps traffic away for many
/// seconds; without trials an endpoint that only fails would be neither ejected nor judged nor acquitted, and cost one
/// request now and then for ever.
pub const TRIAL_AFTER: Duration = Duration::from_millis(200);

/// A request that has waited for an answer so long is told if the endpoint's node is gone. Most answers come sooner, and
/// pay nothing for it.
pub const LOST_AFTER: Duration = Duration::from_millis(200);

/// The first wait before the same endpoint is tried again for a request; doubled each time.
const BACKOFF: Duration = Duration::from_millis(25);

/// How long a request waits before the same endpoint is tried again, after `tried` attempts: `unit` is drawn evenly
/// between 0 and 1.
#[must_use]
pub fn again_after(tried: usize, unit: f64) -> Duration {
    let doublings = u32::try_from(tried).unwrap_or(0).clamp(1, 8) - 1;
    BACKOFF.mul_f64(f64::from(1 << doublings) * (0.5 + unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_are_spread() {
        let millis = |tried, unit| again_after(tried, unit).as_secs_f64() * 1e3;
        let all: Vec<f64> = (0..=9).map(|tried| millis(tried, 0.5)).collect();
        let expected = [
            25.0, 25.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0, 3200.0, 3200.0,
        ];
        assert_eq!(all, expected);
        assert_eq!((millis(1, 0.0), millis(2, 1.0)), (12.5, 75.0));
    }
}
