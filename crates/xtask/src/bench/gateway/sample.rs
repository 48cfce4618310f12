//! One measurement of one proxy.

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

#[cfg(test)]
mod tests {
    use super::*;

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
