//! Values with units.

use std::fmt::Display;
use std::str::FromStr;

use crate::grammar::Shape;
use crate::model::{Bytes, InvalidUnit, Rate, Ratio, Span};

/// Why a text is refused.
pub(super) struct Refused {
    /// Stable code of the finding.
    pub(super) code: &'static str,
    /// What is wrong.
    pub(super) message: String,
}

/// Whether a text fits a shape that is written as text and has a unit.
pub(super) fn check(shape: &Shape, text: &str) -> Result<(), Refused> {
    match shape {
        Shape::Duration { min, max } => within::<Span>(text, *min, *max),
        Shape::Size { min, max } => within::<Bytes>(text, *min, *max),
        Shape::Share => read::<Ratio>(text).map(drop),
        Shape::Rate { max } => {
            let rate = read::<Rate>(text)?;
            if rate > Rate::per_second(u64::from(*max)) || rate.as_hz() <= 0.0 {
                return Err(out_of_range(
                    text,
                    format!("more than 0/s, at most {max}/s"),
                ));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn within<T>(text: &str, min: T, max: T) -> Result<(), Refused>
where
    T: FromStr<Err = InvalidUnit> + Ord + Display + Copy,
{
    let value = read::<T>(text)?;
    if value < min || value > max {
        return Err(out_of_range(text, format!("from {min} to {max}")));
    }
    Ok(())
}

fn read<T: FromStr<Err = InvalidUnit>>(text: &str) -> Result<T, Refused> {
    text.parse().map_err(|InvalidUnit(message)| Refused {
        code: "invalid-unit",
        message,
    })
}

fn out_of_range(text: &str, allowed: String) -> Refused {
    Refused {
        code: "out-of-range",
        message: format!("`{text}` is out of range: {allowed}"),
    }
}

/// What to write for a bare number where a unit is missing.
pub(super) fn with_unit(shape: &Shape, number: &str) -> Option<String> {
    let examples: &[&str] = match shape {
        Shape::Duration { .. } => &["ms", "s"],
        Shape::Size { .. } => &["B", "KiB"],
        Shape::Share => &["%"],
        Shape::Rate { .. } => &["/s"],
        Shape::Either(shapes) => return shapes.iter().find_map(|s| with_unit(s, number)),
        _ => return None,
    };
    let written: Vec<_> = examples
        .iter()
        .map(|unit| format!("\"{number}{unit}\""))
        .collect();
    Some(format!(
        "write the number as text with its unit, as in {}",
        written.join(" or ")
    ))
}
