//! Durations, sizes, shares and rates, each written with its unit.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::time::nanos;

/// Why a text is not of a unit. The message says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidUnit(pub String);

/// A duration: `50ms`, `2s`, `5m`, `6h`, `30d`, and compositions as in `1m30s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

/// A size in bytes: `512B`, `64KiB`, `1MiB`, `2GiB`, or powers of ten with `kB`, `MB`, `GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// A share, written in per cent: `99.95%`. Kept exactly, as parts in a thousand million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ratio(u64);

/// A rate: `200/s`, `30/m`, `5/h`. Kept in thousandths of a hertz.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u64);

const RATIO_ONE: u64 = 1_000_000_000;

impl Span {
    /// From milliseconds.
    #[must_use]
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// From seconds.
    #[must_use]
    pub const fn secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// In nanoseconds, saturating after 584 years.
    #[must_use]
    pub fn as_nanos(self) -> u64 {
        nanos(self.0)
    }
}

impl Ratio {
    /// Everything: 100 %.
    pub const ONE: Self = Self(RATIO_ONE);

    /// From whole per cents; more than 100 is 100.
    #[must_use]
    pub const fn percent(percent: u64) -> Self {
        Self::from_parts_per_billion(percent.saturating_mul(RATIO_ONE / 100))
    }

    /// From parts in a thousand million; more than all of them is all.
    #[must_use]
    pub const fn from_parts_per_billion(parts: u64) -> Self {
        Self(if parts > RATIO_ONE { RATIO_ONE } else { parts })
    }

    /// Parts in a thousand million.
    #[must_use]
    pub const fn parts_per_billion(self) -> u64 {
        self.0
    }

    /// As a number between 0 and 1.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "at most 10^9 is exact in an f64"
    )]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / RATIO_ONE as f64
    }
}

impl Rate {
    /// From events a second.
    #[must_use]
    pub const fn per_second(events: u64) -> Self {
        Self(events.saturating_mul(1_000))
    }

    /// From thousandths of an event a second.
    #[must_use]
    pub const fn millihertz(millihertz: u64) -> Self {
        Self(millihertz)
    }

    /// Thousandths of an event a second.
    #[must_use]
    pub const fn as_millihertz(self) -> u64 {
        self.0
    }

    /// Events a second.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "rates beyond 2^53 mHz do not occur"
    )]
    pub fn as_hz(self) -> f64 {
        self.0 as f64 / 1_000.0
    }
}

/// Splits `12.5ms` into its digits and its unit.
fn split(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    text.split_at(end)
}

/// A decimal number times `scale`, rounded down; `None` if it is none or too large.
fn scaled(digits: &str, scale: u128) -> Option<u128> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    // Nothing longer fits into 64 bits.
    if whole.is_empty() || whole.len() > 20 || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let shift = 10u128.pow(9 - u32::try_from(fraction.len()).ok()?);
    let billionths =
        whole.parse::<u128>().ok()? * 1_000_000_000 + fraction.parse::<u128>().ok()? * shift;
    Some(billionths.checked_mul(scale)? / 1_000_000_000)
}

impl FromStr for Span {
    type Err = InvalidUnit;

    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        let refused = || {
            InvalidUnit(format!(
                "`{text}` is no duration: write a number and one of ns, us, ms, s, m, h, d, as in \"250ms\""
            ))
        };
        let mut rest = text;
        let mut total = 0u128;
        while !rest.is_empty() {
            let (digits, tail) = split(rest);
            let end = tail
                .find(|c: char| c.is_ascii_digit())
                .unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(end);
            let unit_ns: u128 = match unit {
                "ns" => 1,
                "us" | "µs" => 1_000,
                "ms" => 1_000_000,
                "s" => 1_000_000_000,
                "m" => 60_000_000_000,
                "h" => 3_600_000_000_000,
                "d" => 86_400_000_000_000,
                _ => return Err(refused()),
            };
            total = scaled(digits, unit_ns)
                .and_then(|part| total.checked_add(part))
                .ok_or_else(refused)?;
            rest = tail;
        }
        if text.is_empty() {
            return Err(refused());
        }
        u64::try_from(total)
            .map(|ns| Self(Duration::from_nanos(ns)))
            .map_err(|_out_of_range| refused())
    }
}

impl FromStr for Bytes {
    type Err = InvalidUnit;

    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        let refused = || {
            InvalidUnit(format!(
                "`{text}` is no size: write a number and one of B, kB, KiB, MB, MiB, GB, GiB, as in \"64KiB\""
            ))
        };
        let (digits, unit) = split(text);
        let unit_bytes: u128 = match unit {
            "B" => 1,
            "kB" => 1_000,
            "KiB" => 1 << 10,
            "MB" => 1_000_000,
            "MiB" => 1 << 20,
            "GB" => 1_000_000_000,
            "GiB" => 1 << 30,
            _ => return Err(refused()),
        };
        let bytes = scaled(digits, unit_bytes).ok_or_else(refused)?;
        u64::try_from(bytes)
            .map(Self)
            .map_err(|_out_of_range| refused())
    }
}

impl FromStr for Ratio {
    type Err = InvalidUnit;

    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        let refused = || {
            InvalidUnit(format!(
                "`{text}` is no share: write per cent between 0% and 100%, as in \"99.95%\""
            ))
        };
        let digits = text.strip_suffix('%').ok_or_else(refused)?.trim_end();
        let parts = scaled(digits, RATIO_ONE.into()).ok_or_else(refused)? / 100;
        match u64::try_from(parts) {
            Ok(parts) if parts <= RATIO_ONE => Ok(Self(parts)),
            _ => Err(refused()),
        }
    }
}

impl FromStr for Rate {
    type Err = InvalidUnit;

    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        let refused = || {
            InvalidUnit(format!(
                "`{text}` is no rate: write events and one of /s, /m, /h, as in \"200/s\""
            ))
        };
        let (digits, unit) = text.split_once('/').ok_or_else(refused)?;
        let per: u128 = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            _ => return Err(refused()),
        };
        let millihertz = scaled(digits, 1_000).ok_or_else(refused)? / per;
        u64::try_from(millihertz)
            .map(Self)
            .map_err(|_out_of_range| refused())
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0.as_nanos();
        for (unit, unit_ns) in [
            ("d", 86_400_000_000_000),
            ("h", 3_600_000_000_000),
            ("m", 60_000_000_000),
            ("s", 1_000_000_000),
            ("ms", 1_000_000),
            ("us", 1_000),
        ] {
            if ns >= unit_ns && ns.is_multiple_of(unit_ns) {
                return write!(f, "{}{unit}", ns / unit_ns);
            }
        }
        if ns == 0 {
            f.write_str("0s")
        } else {
            write!(f, "{ns}ns")
        }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, size) in [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
            if self.0 >= size && self.0.is_multiple_of(size) {
                return write!(f, "{}{unit}", self.0 / size);
            }
        }
        write!(f, "{}B", self.0)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / 10_000_000, self.0 % 10_000_000);
        if fraction == 0 {
            return write!(f, "{whole}%");
        }
        write!(
            f,
            "{whole}.{}%",
            format!("{fraction:07}").trim_end_matches('0')
        )
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1_000) {
            write!(f, "{}/s", self.0 / 1_000)
        } else {
            let (whole, fraction) = (self.0 / 1_000, format!("{:03}", self.0 % 1_000));
            write!(f, "{whole}.{}/s", fraction.trim_end_matches('0'))
        }
    }
}

macro_rules! as_text {
    ($type:ident, $schema:literal, $pattern:literal, $about:literal) => {
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Cow::<'de, str>::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $schema.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $about })
            }
        }
    };
}

as_text!(
    Span,
    "Duration",
    r"^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h|d))+$",
    "A duration with its unit: 50ms, 2s, 5m, 6h, 30d, 1m30s."
);
as_text!(
    Bytes,
    "Size",
    r"^[0-9]+(\.[0-9]+)?(B|kB|KiB|MB|MiB|GB|GiB)$",
    "A size with its unit: 512B, 64KiB, 1MiB."
);
as_text!(
    Ratio,
    "Share",
    r"^[0-9]+(\.[0-9]+)? ?%$",
    "A share in per cent: 99.95%."
);
as_text!(
    Rate,
    "Rate",
    r"^[0-9]+(\.[0-9]+)?/(s|m|h)$",
    "A rate: 200/s, 30/m."
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_units() {
        let span = |t: &str| t.parse::<Span>().unwrap();
        assert_eq!(span("1m30s"), Span::secs(90));
        assert_eq!(span("0.5s"), Span::millis(500));
        assert_eq!(span("1m30s").to_string(), "90s");
        assert_eq!(span("0s").to_string(), "0s");
        assert_eq!("64KiB".parse::<Bytes>().unwrap(), Bytes(65_536));
        assert_eq!("1.5kB".parse::<Bytes>().unwrap(), Bytes(1_500));
        assert_eq!("99.95%".parse::<Ratio>().unwrap().to_string(), "99.95%");
        assert_eq!("100%".parse::<Ratio>().unwrap(), Ratio::ONE);
        assert_eq!("30/m".parse::<Rate>().unwrap().to_string(), "0.5/s");
    }

    #[test]
    fn what_is_written_is_read() {
        let large = Duration::from_nanos(2_533_560_000_000_008);
        let span = Span(large).to_string();
        assert_eq!(span.parse(), Ok(Span(large)), "{span}");
        for bytes in [u64::MAX, u64::MAX - 1, 0] {
            let text = Bytes(bytes).to_string();
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
        for millihertz in [u64::MAX, 51_566_051_566_051_660, 1_001, 10] {
            let rate = Rate::millihertz(millihertz);
            assert_eq!(rate.to_string().parse(), Ok(rate), "{rate}");
        }
        assert!("99999999999999999999d".parse::<Span>().is_err());
    }

    #[test]
    fn serde_keeps_the_unit() {
        let text = serde_json::to_string(&(Span::millis(250), Ratio::percent(20))).unwrap();
        assert_eq!(text, r#"["250ms","20%"]"#);
        let (span, ratio): (Span, Ratio) = serde_json::from_str(&text).unwrap();
        assert_eq!((span, ratio), (Span::millis(250), Ratio::percent(20)));
        let error = serde_json::from_str::<Span>("\"5\"")
            .unwrap_err()
            .to_string();
        assert!(error.contains("`5` is no duration"), "{error}");
    }

    #[test]
    fn refuses_what_has_no_unit_or_no_sense() {
        for bad in [
            "",
            "5",
            "5 s",
            "s",
            "-1s",
            "1e3s",
            "5x",
            "99999999999d",
            "1.s",
            ".5s",
        ] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
        for bad in ["", "64", "64k", "64K", "-1B", "99999999999GiB"] {
            assert!(bad.parse::<Bytes>().is_err(), "{bad}");
        }
        for bad in ["", "99", "101%", "-1%", "x%", "0.9995"] {
            assert!(bad.parse::<Ratio>().is_err(), "{bad}");
        }
        for bad in ["", "5", "5/d", "/s", "x/s"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }
}
