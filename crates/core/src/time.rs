//! Points in time as integer nanoseconds.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A point in time: nanoseconds since the Unix epoch, or since the start of a simulation.
///
/// The core never asks for the time: its caller says which clock a timestamp came from. Journal,
/// incidents and status use the wall clock; windows and budgets a monotonic one.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The epoch itself.
    pub const ZERO: Self = Self(0);

    /// From nanoseconds since the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// From milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// From whole seconds since the epoch.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Whole seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000_000
    }

    /// The time that passed since `earlier`; zero if `earlier` is later (clocks step back).
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(nanos(rhs)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(rhs)))
    }
}

/// A duration in nanoseconds, saturating after 584 years.
#[must_use]
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A duration in nanoseconds for people: `740 us`, `12.3 ms`, `1.23 s`, `45.6 s`, `12 min`, `3.5 h`, `2.0 d`.
#[must_use]
pub fn short(nanos: u64) -> String {
    let micros = nanos / 1_000;
    let secs = micros / 1_000_000;
    match micros {
        0..1_000 => format!("{micros} us"),
        1_000..1_000_000 => format!("{}.{} ms", micros / 1_000, micros / 100 % 10),
        1_000_000..10_000_000 => format!("{secs}.{:02} s", micros / 10_000 % 100),
        10_000_000..600_000_000 => format!("{secs}.{} s", micros / 100_000 % 10),
        600_000_000..7_200_000_000 => format!("{} min", secs / 60),
        7_200_000_000..172_800_000_000 => format!("{}.{} h", secs / 3_600, secs / 360 % 10),
        _ => format!("{}.{} d", secs / 86_400, secs / 8_640 % 10),
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-11-24T03:01:41.123Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.as_secs() / 86_400);
        let second = self.as_secs() % 86_400;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
            second / 3_600,
            second / 60 % 60,
            second % 60,
            self.as_millis() % 1_000
        )
    }
}

/// Days since 1970-01-01 to a date of the proleptic Gregorian calendar: Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`, for days that are not negative.
const fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_rfc_3339() {
        assert_eq!(Timestamp::ZERO.to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            Timestamp::from_millis(951_782_400_001).to_string(),
            "2000-02-29T00:00:00.001Z"
        );
        assert_eq!(
            Timestamp::from_secs(1_795_489_301).to_string(),
            "2026-11-24T03:01:41.000Z"
        );
    }

    #[test]
    fn short_durations_have_one_decimal_and_a_unit() {
        let text: Vec<String> = [0, 740_000, 12_345_678, 45_678_000_000, 750_000_000_000]
            .into_iter()
            .map(short)
            .collect();
        assert_eq!(text, ["0 us", "740 us", "12.3 ms", "45.6 s", "12 min"]);
        assert_eq!(short(1_999_999_999), "1.99 s");
        assert_eq!(short(12_600_000_000_000), "3.5 h");
        assert_eq!(short(259_200_000_000_000), "3.0 d");
    }

    #[test]
    fn saturates_instead_of_wrapping() {
        assert_eq!(
            Timestamp::from_secs(1) - Duration::from_secs(2),
            Timestamp::ZERO
        );
        assert_eq!(
            Timestamp::from_secs(1).since(Timestamp::from_secs(5)),
            Duration::ZERO
        );
        assert_eq!(
            (Timestamp::from_nanos(u64::MAX) + Duration::MAX).as_nanos(),
            u64::MAX
        );
    }
}
