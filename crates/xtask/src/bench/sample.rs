//! Figures of several rounds as one.

use std::time::Duration;

use super::load::Counted;

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    /// CPU of the proxy per answered request, in microseconds.
    pub(super) cpu_us: f64,
    /// Answered requests a second.
    pub(super) rate: f64,
    /// Latency in microseconds, with the load as fast as it can.
    pub(super) p50_us: f64,
    /// Latency in microseconds, with the load as fast as it can.
    pub(super) p99_us: f64,
    /// Requests that failed.
    pub(super) errors: u64,
}

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

impl Sample {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a bench does not send 2^53 requests"
    )]
    pub(super) fn new(cpu: Duration, counted: Counted) -> Self {
        let requests = counted.requests.max(1) as f64;
        Self {
            cpu_us: cpu.as_secs_f64() * 1e6 / requests,
            rate: requests / counted.seconds.max(1e-9),
            p50_us: counted.p50_us,
            p99_us: counted.p99_us,
            errors: counted.errors,
        }
    }
}

impl Spread {
    /// Over one figure of each sample; zeros without samples.
    pub(super) fn of(samples: &[Sample], figure: fn(&Sample) -> f64) -> Self {
        let mut values: Vec<f64> = samples.iter().map(figure).collect();
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[f64]) -> Vec<Sample> {
        let sample = |cpu_us: &f64| Sample {
            cpu_us: *cpu_us,
            rate: 0.0,
            p50_us: 0.0,
            p99_us: 0.0,
            errors: 0,
        };
        values.iter().map(sample).collect()
    }

    #[test]
    fn the_median_is_in_the_middle() {
        let spread = |values: &[f64]| {
            let spread = Spread::of(&samples(values), |s| s.cpu_us);
            [spread.min, spread.median, spread.max].map(|x| format!("{x}"))
        };
        assert_eq!(spread(&[3.0, 1.0, 2.0]), ["1", "2", "3"]);
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]), ["1", "2.5", "4"]);
        assert_eq!(spread(&[]), ["0", "0", "0"]);
    }

    #[test]
    fn cpu_is_divided_by_requests() {
        let counted = Counted {
            requests: 50_000,
            seconds: 5.0,
            errors: 0,
            p50_us: 1.0,
            p99_us: 2.0,
        };
        let sample = Sample::new(Duration::from_secs(1), counted);
        assert_eq!(format!("{} {}", sample.cpu_us, sample.rate), "20 10000");
    }
}
