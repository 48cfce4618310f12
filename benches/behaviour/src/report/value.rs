//! One cell.

use std::time::Duration;

use ninefold_core::time::{nanos, short};

/// A figure with its unit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// So many.
    Count(u64),
    /// A number with so many digits behind the point.
    Number(f64, usize),
    /// A share, shown in per cent.
    Share(f64),
    /// A time.
    Time(Duration),
    /// It does not happen, however long one waits.
    Never,
    /// There is nothing to say.
    Nothing,
    /// Words.
    Words(String),
}

impl Value {
    /// A time that may not be known.
    pub(crate) fn time(time: Option<Duration>) -> Self {
        time.map_or(Self::Nothing, Self::Time)
    }

    /// A share that may not be known.
    pub(crate) fn share(share: Option<f64>) -> Self {
        share.map_or(Self::Nothing, Self::Share)
    }

    /// As a plain number; times in seconds.
    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Count(count) => Some(*count as f64),
            Self::Number(number, _) | Self::Share(number) => Some(*number),
            Self::Time(time) => Some(time.as_secs_f64()),
            Self::Never | Self::Nothing | Self::Words(_) => None,
        }
    }

    /// How many times `other` it is, in words.
    pub(super) fn ratio_to(&self, other: &Self) -> Option<String> {
        let (this, other) = (self.as_f64()?, other.as_f64()?);
        let ratio = this / other;
        if !ratio.is_finite() {
            return None;
        }
        let digits = if ratio >= 100.0 {
            0
        } else if ratio >= 10.0 {
            1
        } else {
            2
        };
        Some(format!("{}×", grouped(&format!("{ratio:.digits$}"))))
    }

    /// For people.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Count(count) => grouped(&count.to_string()),
            Self::Number(number, digits) => grouped(&format!("{number:.digits$}")),
            Self::Share(share) => format!("{:.1} %", share * 100.0),
            Self::Time(Duration::ZERO) => "at once".to_owned(),
            Self::Time(time) => short(nanos(*time)),
            Self::Never => "never".to_owned(),
            Self::Nothing => "–".to_owned(),
            Self::Words(words) => words.clone(),
        }
    }
}

/// With commas between thousands.
fn grouped(number: &str) -> String {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut text = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_units() {
        let shown: Vec<String> = [
            Value::Count(1_234_567),
            Value::Number(1_234.56, 1),
            Value::Share(0.9567),
            Value::Time(Duration::from_millis(1_500)),
            Value::Never,
        ]
        .iter()
        .map(Value::shown)
        .collect();
        assert_eq!(shown, ["1,234,567", "1,234.6", "95.7 %", "1.50 s", "never"]);
    }

    #[test]
    fn ratios_are_to_something() {
        let of = |a, b| Value::Count(a).ratio_to(&Value::Count(b));
        assert_eq!(of(1_000_000, 50).as_deref(), Some("20,000×"));
        assert_eq!(of(3, 2).as_deref(), Some("1.50×"));
        assert_eq!(of(3, 0), None);
        assert_eq!(Value::Never.ratio_to(&Value::Count(1)), None);
    }
}
