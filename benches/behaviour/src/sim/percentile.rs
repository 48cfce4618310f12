//! Percentiles of all values there are.

use std::time::Duration;

/// The smallest value that is not below `share` of all; `None` of none.
pub(crate) fn percentile(values: &mut [u64], share: f64) -> Option<Duration> {
    let last = values.len().checked_sub(1)?;
    let rank = (share * values.len() as f64).ceil() as usize;
    let at = rank.saturating_sub(1).min(last);
    let (_, value, _) = values.select_nth_unstable(at);
    Some(Duration::from_nanos(*value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_value_of_its_rank() {
        let mut values: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(
            percentile(&mut values, 0.99),
            Some(Duration::from_nanos(99))
        );
        assert_eq!(percentile(&mut values, 0.5), Some(Duration::from_nanos(50)));
        assert_eq!(percentile(&mut [7], 0.01), Some(Duration::from_nanos(7)));
        assert_eq!(percentile(&mut [], 0.5), None);
    }
}
