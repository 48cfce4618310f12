//! How the time that is left travels between machines.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The header for [`TimeLeft`].
pub const TIME_LEFT_HEADER: &str = "x-deadline-ms";

/// The header for [`GrpcTimeout`].
pub const GRPC_TIMEOUT_HEADER: &str = "grpc-timeout";

/// Digits of the longest time in milliseconds, 115 days.
const MILLIS_DIGITS_MAX: usize = 10;

/// Digits that gRPC allows.
const GRPC_DIGITS_MAX: usize = 8;

/// The units of gRPC and what they are in nanoseconds, the finest first.
const GRPC_UNITS: [(&str, u128); 6] = [
    ("n", 1),
    ("u", 1_000),
    ("m", 1_000_000),
    ("S", 1_000_000_000),
    ("M", 60_000_000_000),
    ("H", 3_600_000_000_000),
];

/// The time that is left, as text in whole milliseconds, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeLeft(pub Duration);

/// The time that is left, as gRPC writes it ("gRPC over HTTP2", `Timeout`): up to eight digits and
/// a unit, such as `100m` for 100 ms, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrpcTimeout(pub Duration);

/// A header that says no time. It is safe to go on as if it were not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no time: write {0}")]
pub struct ParseTimeLeftError(&'static str);

fn digits(text: &str, max: usize) -> Option<u64> {
    let plain = (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

impl fmt::Display for TimeLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = 10u128.pow(u32::try_from(MILLIS_DIGITS_MAX).unwrap_or(0)) - 1;
        write!(f, "{}", self.0.as_millis().min(max))
    }
}

impl FromStr for TimeLeft {
    type Err = ParseTimeLeftError;

    fn from_str(text: &str) -> Result<Self, ParseTimeLeftError> {
        digits(text, MILLIS_DIGITS_MAX)
            .map(|ms| Self(Duration::from_millis(ms)))
            .ok_or(ParseTimeLeftError("milliseconds, as in 250"))
    }
}

impl fmt::Display for GrpcTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = 10u128.pow(u32::try_from(GRPC_DIGITS_MAX).unwrap_or(0));
        let ns = self.0.as_nanos();
        for (unit, unit_ns) in GRPC_UNITS {
            if ns / unit_ns < end {
                return write!(f, "{}{unit}", ns / unit_ns);
            }
        }
        write!(f, "{}H", end - 1)
    }
}

impl FromStr for GrpcTimeout {
    type Err = ParseTimeLeftError;

    fn from_str(text: &str) -> Result<Self, ParseTimeLeftError> {
        let error = ParseTimeLeftError("one to eight digits and one of H, M, S, m, u, n");
        let unit = |(unit, unit_ns)| Some((text.strip_suffix(unit)?, unit_ns));
        let (number, unit_ns) = GRPC_UNITS.into_iter().find_map(unit).ok_or(error)?;
        let number = digits(number, GRPC_DIGITS_MAX).ok_or(error)?;
        // Longer than 584 years is for ever.
        let ns = u64::try_from(u128::from(number) * unit_ns).unwrap_or(u64::MAX);
        Ok(Self(Duration::from_nanos(ns)))
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_and_writes_what_grpc_says() {
        for (text, duration) in [
            ("100m", Duration::from_millis(100)),
            ("1H", Duration::from_secs(3_600)),
            ("2M", Duration::from_secs(120)),
            ("3S", Duration::from_secs(3)),
            ("7u", Duration::from_micros(7)),
            ("0n", Duration::ZERO),
        ] {
            assert_eq!(text.parse(), Ok(GrpcTimeout(duration)), "{text}");
        }
        for garbage in [
            "",
            "m",
            "100",
            "123456789m",
            "-1m",
            "+1m",
            "1.5S",
            "1s",
            "1 m",
            "1mm",
        ] {
            assert!(garbage.parse::<GrpcTimeout>().is_err(), "{garbage}");
        }
        assert_eq!(GrpcTimeout(Duration::from_secs(100)).to_string(), "100000m");
        assert_eq!(GrpcTimeout(Duration::MAX).to_string(), "99999999H");
        for garbage in ["", "-1", "+1", "1.5", "12345678901", " 1", "1ms"] {
            assert!(garbage.parse::<TimeLeft>().is_err(), "{garbage}");
        }
    }

    proptest! {
        #[test]
        fn the_callee_never_believes_in_more(ns in any::<u64>()) {
            let left = Duration::from_nanos(ns);
            let grpc: GrpcTimeout = GrpcTimeout(left).to_string().parse().unwrap();
            prop_assert!(grpc.0 <= left);
            // Eight digits, or a whole hour where even those do not do.
            prop_assert!((left - grpc.0).as_nanos() <= left.as_nanos() / 1_000_000, "{:?}", grpc);
            let plain: TimeLeft = TimeLeft(left).to_string().parse().unwrap();
            prop_assert!(plain.0 <= left);
            prop_assert!(left - plain.0 < Duration::from_millis(1) || plain.0 > Duration::from_secs(9_999_999));
        }
    }
}
