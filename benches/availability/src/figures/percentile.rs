//! Percentiles of times.

use std::time::Duration;

/// The `percent`th percentile by nearest rank, in milliseconds; nothing without values.
pub(crate) fn percentile_ms(mut times: Vec<Duration>, percent: usize) -> Option<f64> {
    times.sort_unstable();
    let rank = (times.len() * percent).div_ceil(100).max(1);
    times.get(rank - 1).map(|time| time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_rank_is_taken() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile_ms(times.clone(), 50), Some(100.0));
        assert_eq!(percentile_ms(times, 99), Some(198.0));
        assert_eq!(percentile_ms(Vec::new(), 99), None);
    }
}
