//! From a limit and a latency to the next limit.

use super::{Aimd, Algorithm, Gradient2, Vegas};

/// What is left of the limit after a window with too many failures, whatever the algorithm.
/// Netflix's `backoffRatio`.
pub(super) const BACKOFF: f64 = 0.9;

/// Vegas shrinks by at least this share of the calls that wait too many: with its logarithm alone
/// a limit of 1,000 would need half a minute to come down to 100.
const VEGAS_EXCESS: f64 = 0.25;

impl Algorithm {
    /// The next limit, of a service in use, after a window whose latency was `ratio` baselines.
    pub(super) fn next(&self, limit: f64, ratio: f64) -> f64 {
        let ratio = ratio.max(f64::MIN_POSITIVE);
        match self {
            Self::Vegas(Vegas {
                alpha,
                beta,
                buffer,
            }) => {
                let log = limit.log10().max(1.0);
                let baseline = 1.0 + buffer.as_f64();
                let waiting = (limit * (1.0 - baseline / ratio)).max(0.0);
                let excess = waiting - beta * log;
                if waiting <= log {
                    limit + beta * log
                } else if waiting < alpha * log {
                    limit + log
                } else if excess > 0.0 {
                    limit - log.max(excess * VEGAS_EXCESS)
                } else {
                    limit
                }
            }
            Self::Gradient2(Gradient2 {
                tolerance,
                queue,
                smoothing,
            }) => {
                let gradient = (tolerance / ratio).clamp(0.5, 1.0);
                // Room to grow only where nothing has to shrink: added to a limit that shrinks by
                // a fifth it would make it grow (concurrency-limits#134).
                let room = if gradient < 1.0 {
                    0.0
                } else {
                    limit.sqrt().max(f64::from(*queue))
                };
                let smoothing = smoothing.as_f64();
                limit * (1.0 - smoothing) + (limit * gradient + room) * smoothing
            }
            Self::Aimd(Aimd { backoff, tolerance }) => {
                if ratio > *tolerance {
                    limit * backoff.as_f64()
                } else {
                    limit + 1.0
                }
            }
        }
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use crate::units::Ratio;

    const VEGAS: Algorithm = Algorithm::Vegas(Vegas {
        alpha: 3.0,
        beta: 6.0,
        buffer: Ratio::percent(0),
    });

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn vegas_keeps_three_to_six_logarithms_waiting() {
        close(VEGAS.next(100.0, 1.0), 112.0);
        close(VEGAS.next(100.0, 1.0 / 0.96), 102.0);
        close(VEGAS.next(100.0, 1.0 / 0.90), 100.0);
        close(VEGAS.next(100.0, 1.0 / 0.87), 98.0);
        close(VEGAS.next(100.0, 1.0 / 0.28), 85.0);
    }

    #[test]
    fn concurrency_limits_134_gradient2_never_grows_where_it_should_shrink() {
        let gradient = Algorithm::default();
        close(gradient.next(100.0, 1.5), 102.0);
        close(gradient.next(9.0, 1.5), 9.8);
        close(gradient.next(100.0, 3.0), 90.0);
        close(gradient.next(100.0, 30.0), 90.0);
        for limit in 1..1_000 {
            let limit = f64::from(limit);
            assert!(gradient.next(limit, 1.51) < limit);
        }
    }

    #[test]
    fn aimd_saws() {
        let aimd = Algorithm::Aimd(Aimd::default());
        close(aimd.next(100.0, 1.4), 101.0);
        close(aimd.next(100.0, 1.6), 90.0);
    }
}
