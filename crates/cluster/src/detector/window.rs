//! The newest values, with their mean and variance.

/// Values that a window holds at most.
pub(super) const WINDOW_MAX: usize = 10_000;

/// Values beyond this, 78 hours in nanoseconds, count as it where they are squared, so that no sum overflows:
/// 10,000 of them, squared and summed and multiplied by their number, stay below 2^127.
const SQUARED_END: i64 = 1 << 48;

/// A ring of nanoseconds with exact sums: no error adds up, however long it runs.
#[derive(Clone, Debug)]
pub(super) struct Window {
    values: Box<[i64]>,
    next: usize,
    len: usize,
    sum: i128,
    /// Of the values as far as they are squared, their sum and that of their squares.
    clamped: i128,
    squares: i128,
}

impl Window {
    /// A window of `capacity` values, at least 1 and at most [`WINDOW_MAX`].
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            values: vec![0; capacity.clamp(1, WINDOW_MAX)].into_boxed_slice(),
            next: 0,
            len: 0,
            sum: 0,
            clamped: 0,
            squares: 0,
        }
    }

    pub(super) fn push(&mut self, value: i64) {
        let full = self.len == self.values.len();
        let Some(slot) = self.values.get_mut(self.next) else {
            return;
        };
        let old = std::mem::replace(slot, value);
        if full {
            let clamped = clamp(old);
            self.sum -= i128::from(old);
            self.clamped -= clamped;
            self.squares -= clamped * clamped;
        } else {
            self.len += 1;
        }
        let clamped = clamp(value);
        self.sum += i128::from(value);
        self.clamped += clamped;
        self.squares += clamped * clamped;
        self.next += 1;
        if self.next == self.values.len() {
            self.next = 0;
        }
    }

    pub(super) const fn clear(&mut self) {
        self.next = 0;
        self.len = 0;
        self.sum = 0;
        self.clamped = 0;
        self.squares = 0;
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The sum of all values.
    #[expect(clippy::cast_precision_loss, reason = "far finer than a nanosecond")]
    pub(super) const fn sum(&self) -> f64 {
        self.sum as f64
    }

    /// The mean; nothing of no values.
    #[expect(clippy::cast_precision_loss, reason = "far finer than a nanosecond")]
    pub(super) fn mean(&self) -> Option<f64> {
        (self.len > 0).then(|| self.sum as f64 / self.len as f64)
    }

    /// Mean and variance of the values.
    pub(super) fn moments(&self) -> Option<(f64, f64)> {
        self.moments_with(0, 0)
    }

    /// Mean and variance of the values and of `extra` more, each of them `value`.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the difference is exact before it is rounded"
    )]
    pub(super) fn moments_with(&self, value: i64, extra: u8) -> Option<(f64, f64)> {
        let (value, extra) = (clamp(value), i128::from(extra));
        let n = i128::try_from(self.len).unwrap_or_default() + extra;
        if n == 0 {
            return None;
        }
        let sum = self.clamped + extra * value;
        let squares = self.squares + extra * value * value;
        let spread = n * squares - sum * sum;
        let n = n as f64;
        Some((sum as f64 / n, spread as f64 / (n * n)))
    }
}

fn clamp(value: i64) -> i128 {
    i128::from(value.clamp(-SQUARED_END, SQUARED_END))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn moments_are_those_of_the_newest() {
        let mut window = Window::new(4);
        assert_eq!((window.mean(), window.moments()), (None, None));
        for value in [100, 2, 4, 4, 6] {
            window.push(value);
        }
        assert_eq!(window.moments(), Some((4.0, 2.0)));
        // 2, 4, 4, 6 and 9: the mean is 5, the squares of the distances 9 + 1 + 1 + 1 + 16.
        assert_eq!(window.moments_with(9, 1), Some((5.0, 5.6)));
        window.clear();
        window.push(7);
        assert_eq!((window.mean(), window.len()), (Some(7.0), 1));
    }

    #[test]
    fn a_window_is_bounded() {
        assert_eq!(Window::new(0).values.len(), 1);
        assert_eq!(Window::new(usize::MAX).values.len(), WINDOW_MAX);
        let mut window = Window::new(WINDOW_MAX);
        for _ in 0..2 * WINDOW_MAX {
            window.push(i64::MAX);
            window.push(i64::MIN);
        }
        let (_, variance) = window.moments_with(i64::MIN, 1).unwrap();
        assert!(variance > 0.0 && variance.is_finite());
        assert_eq!(window.len(), WINDOW_MAX);
    }

    proptest! {
        #[test]
        fn sums_are_exact(values in prop::collection::vec(-1_000_000i64..1_000_000_000, 1..200), capacity in 1usize..50) {
            let mut window = Window::new(capacity);
            for value in &values {
                window.push(*value);
            }
            let kept = &values[values.len().saturating_sub(capacity)..];
            let n = kept.len() as f64;
            let mean = kept.iter().map(|v| *v as f64).sum::<f64>() / n;
            let variance = kept.iter().map(|v| (*v as f64 - mean).powi(2)).sum::<f64>() / n;
            let (found, spread) = window.moments().unwrap();
            prop_assert!((found - mean).abs() < 1e-3);
            prop_assert!((spread - variance).abs() <= 1e-9 * variance.max(1.0));
        }
    }
}
