//! What an endpoint says of its load.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The header that reports stand in, as other proxies and servers know it (Open Request Cost
/// Aggregation, xDS `OrcaLoadReport`, as text).
pub const LOAD_HEADER: &str = "endpoint-load-metrics";

/// Bytes of a report at most.
const REPORT_MAX: usize = 1_024;

const IN_FLIGHT: &str = "named_metrics.rif";
const LATENCY: &str = "named_metrics.latency_ms";

/// How much an endpoint has to do: `TEXT named_metrics.rif=3,named_metrics.latency_ms=12.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadReport {
    /// Requests in flight.
    pub in_flight: u32,
    /// How long requests took that found about as many in flight.
    pub latency: Duration,
}

/// Not a report that says how much is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a load report: write `TEXT {IN_FLIGHT}=3,{LATENCY}=12.5`")]
pub struct NoLoadReport;

impl FromStr for LoadReport {
    type Err = NoLoadReport;

    /// Other metrics are passed over. Without a latency it is zero.
    fn from_str(text: &str) -> Result<Self, NoLoadReport> {
        let list = text.strip_prefix("TEXT ").ok_or(NoLoadReport)?;
        if text.len() > REPORT_MAX {
            return Err(NoLoadReport);
        }
        let (mut in_flight, mut latency) = (None, Duration::ZERO);
        for pair in list.split(',') {
            let (name, value) = pair.trim().split_once('=').ok_or(NoLoadReport)?;
            let value: f64 = value.parse().map_err(|_no_number| NoLoadReport)?;
            if name == IN_FLIGHT {
                in_flight = Some(count(value).ok_or(NoLoadReport)?);
            } else if name == LATENCY {
                let taken = Duration::try_from_secs_f64(value / 1e3);
                latency = taken.map_err(|_out_of_range| NoLoadReport)?;
            }
        }
        let in_flight = in_flight.ok_or(NoLoadReport)?;
        Ok(Self { in_flight, latency })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "within the range"
)]
fn count(value: f64) -> Option<u32> {
    (0.0..=f64::from(u32::MAX))
        .contains(&value)
        .then(|| value.round() as u32)
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { in_flight, latency } = self;
        let latency = latency.as_secs_f64() * 1e3;
        write!(f, "TEXT {IN_FLIGHT}={in_flight},{LATENCY}={latency}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_servers_say() {
        let text = "TEXT cpu_utilization=0.3, named_metrics.rif=3, named_metrics.latency_ms=12.5";
        let report = LoadReport {
            in_flight: 3,
            latency: Duration::from_micros(12_500),
        };
        assert_eq!(text.parse(), Ok(report));
        assert_eq!(report.to_string().parse(), Ok(report));
        for wrong in [
            "",
            "JSON {}",
            "TEXT ",
            "TEXT cpu_utilization=0.3",
            "TEXT named_metrics.rif=-1",
            "TEXT named_metrics.rif=many",
            "TEXT named_metrics.rif=NaN",
            "TEXT named_metrics.rif=1,named_metrics.latency_ms=-1",
            "TEXT named_metrics.rif=1,named_metrics.latency_ms=inf",
        ] {
            assert_eq!(wrong.parse::<LoadReport>(), Err(NoLoadReport), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,60}", list in "TEXT [a-z_.=,0-9einfNa+-]{0,60}") {
            for text in [text, list] {
                if let Ok(report) = text.parse::<LoadReport>() {
                    prop_assert_eq!(report.to_string().parse(), Ok(report));
                }
            }
        }
    }
}
