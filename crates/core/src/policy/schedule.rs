//! When something is due that whoever comes by does.

/// Whether `now` has come to `at`, in nanoseconds; or whether `at` is more than `ahead_max` away,
/// as after a clock stepped back, so that it would not come for long.
#[inline]
pub(crate) const fn is_due(at: u64, now: u64, ahead_max: u64) -> bool {
    at.saturating_sub(now).wrapping_sub(1) >= ahead_max
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    #[test]
    fn is_due_in_time_and_when_it_is_too_far_ahead() {
        let due: Vec<u64> = (0..20).filter(|now| is_due(10, *now, 5)).collect();
        assert_eq!(due, [0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
        assert!(is_due(0, 0, 5));
    }
}
