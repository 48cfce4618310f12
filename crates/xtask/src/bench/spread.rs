//! Figures of several rounds as one.

/// The middle of several rounds and what lies around it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Spread {
    /// The least.
    pub(super) min: f64,
    /// The median; of an even number, the mean of the two in the middle.
    pub(super) median: f64,
    /// The most.
    pub(super) max: f64,
}

impl Spread {
    /// Of these values; zeros without any.
    pub(super) fn new(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or_default();
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(at(middle.saturating_sub(1)), at(middle))
        } else {
            at(middle)
        };
        Self {
            min: at(0),
            median,
            max: at(values.len().saturating_sub(1)),
        }
    }

    /// Over one figure of each sample; zeros without samples.
    pub(super) fn of<T>(samples: &[T], figure: fn(&T) -> f64) -> Self {
        Self::new(samples.iter().map(figure).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let spread = |values: &[f64]| {
            let spread = Spread::of(values, |value| *value);
            [spread.min, spread.median, spread.max].map(|x| format!("{x}"))
        };
        assert_eq!(spread(&[3.0, 1.0, 2.0]), ["1", "2", "3"]);
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]), ["1", "2.5", "4"]);
        assert_eq!(spread(&[]), ["0", "0", "0"]);
    }
}
