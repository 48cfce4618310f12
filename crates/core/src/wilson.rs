//! How large a share certainly is, as few samples tell it.

/// The lower bound of Wilson's score interval (1927) for the share of `hits` in `total`, `z`
/// standard deviations below; 0 without samples.
pub(crate) fn lower_bound(hits: u64, total: u64, z: f64) -> f64 {
    // The spread goes with the sign of `z`, everything else with its square.
    bound(hits, total, -z)
}

/// The upper bound of the same; 0 without samples too.
pub(crate) fn upper_bound(hits: u64, total: u64, z: f64) -> f64 {
    bound(hits, total, z)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a relative error of 2^-53 in a bound is none"
)]
fn bound(hits: u64, total: u64, z: f64) -> f64 {
    if total == 0 {
        return 0.0;
    }
    let n = total as f64;
    let share = (hits as f64 / n).min(1.0);
    let spread = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    (share + z * z / (2.0 * n) + spread) / (1.0 + z * z / n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certainty_comes_with_samples() {
        assert!(lower_bound(0, 0, 2.0) < 1e-9);
        assert!((lower_bound(4, 4, 2.0) - 0.5).abs() < 1e-9);
        assert!(lower_bound(5, 5, 2.0) > 0.55);
        assert!(lower_bound(50, 100, 2.0) > lower_bound(5, 10, 2.0));
    }

    #[test]
    fn the_other_bound_is_the_same_seen_from_the_other_side() {
        assert!(upper_bound(0, 0, 2.0) < 1e-9);
        for (hits, total) in [(0, 4), (3, 10), (50, 100)] {
            let mirrored = 1.0 - lower_bound(total - hits, total, 2.0);
            assert!((upper_bound(hits, total, 2.0) - mirrored).abs() < 1e-9);
        }
    }
}
