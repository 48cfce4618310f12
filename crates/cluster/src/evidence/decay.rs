use std::time::Duration;

use ninefold_core::time::nanos;

/// `full · 2^(−age / half_life)` in integers: exact at each half-life and a straight line between two of them.
/// It is 0 after as many half-lives as `full` has bits.
pub(super) fn decayed(full: i32, age: Duration, half_life: Duration) -> i32 {
    let half = nanos(half_life).max(1);
    let age = nanos(age);
    let Ok(halvings) = u32::try_from(age / half) else {
        return 0;
    };
    let above = full.checked_shr(halvings).unwrap_or(0);
    let below = full.checked_shr(halvings.saturating_add(1)).unwrap_or(0);
    let lost =
        u128::from((above - below).unsigned_abs()) * u128::from(age % half) / u128::from(half);
    above - i32::try_from(lost).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_falls_steadily_and_ends_at_nothing() {
        let half = Duration::from_secs(10);
        let at = |secs| decayed(1_000, Duration::from_secs(secs), half);
        assert_eq!((at(0), at(5), at(10), at(20)), (1_000, 750, 500, 250));
        assert_eq!((at(100), at(u64::MAX)), (0, 0));
        let mut last = 1_000;
        for tenth in 0..1_100 {
            let now = decayed(1_000, Duration::from_millis(tenth * 100), half);
            assert!(now <= last);
            last = now;
        }
    }
}
