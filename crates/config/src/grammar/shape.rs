//! What a value looks like.

use super::Table;
use crate::model::{Bytes, Span};
use crate::text::Syntax;

/// The shape of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// A text.
    Text(Syntax),
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A duration between two bounds, both included.
    Duration {
        /// At least.
        min: Span,
        /// At most.
        max: Span,
    },
    /// A size between two bounds, both included.
    Size {
        /// At least.
        min: Bytes,
        /// At most.
        max: Bytes,
    },
    /// A share in per cent.
    Share,
    /// A rate, more than 0 and at most so many a second.
    Rate {
        /// At most, events a second.
        max: u32,
    },
    /// A whole number between two bounds, both included.
    Integer {
        /// At least.
        min: u32,
        /// At most.
        max: u32,
    },
    /// `true` or `false`.
    Flag,
    /// `"off"` or `false`.
    Off,
    /// `true`, where the key alone says it.
    True,
    /// A table.
    Table(&'static Table),
    /// An array.
    List {
        /// Its elements.
        item: &'static Self,
        /// How many there are at least.
        min: usize,
        /// How many there are at most.
        max: usize,
    },
    /// A table whose keys the file chooses.
    Map {
        /// What its keys look like.
        key: Syntax,
        /// Its values.
        item: &'static Self,
        /// How many there are at most.
        max: usize,
    },
    /// Short and long forms; the type of the value says which is meant.
    Either(&'static [Self]),
}

/// The longest duration that any key takes: the clocks of the data plane stay far from their end.
const DURATION_MAX: Span = Span::secs(365 * 86_400);

impl Shape {
    /// A duration that may be zero.
    pub(crate) const DURATION_OR_ZERO: Self = Self::Duration {
        min: Span::millis(0),
        max: DURATION_MAX,
    };

    /// A duration of at least a millisecond.
    pub(crate) const DURATION: Self = Self::Duration {
        min: Span::millis(1),
        max: DURATION_MAX,
    };

    /// The types of TOML values that it may be written as.
    pub(crate) fn types(&self) -> &'static [&'static str] {
        match self {
            Self::Text(_)
            | Self::Choice(_)
            | Self::Duration { .. }
            | Self::Size { .. }
            | Self::Share
            | Self::Rate { .. } => &["string"],
            Self::Integer { .. } => &["integer"],
            Self::Flag | Self::True => &["boolean"],
            Self::Off => &["string", "boolean"],
            Self::Table(_) | Self::Map { .. } => &["table"],
            Self::List { .. } => &["array"],
            Self::Either(_) => &[],
        }
    }

    /// What is expected, for messages.
    pub(crate) fn expected(&self) -> String {
        match self {
            Self::Text(syntax) => syntax.expected().to_owned(),
            Self::Choice(choices) => format!("one of {}", quoted(choices)),
            Self::Duration { .. } => "a duration with its unit, as in \"250ms\"".to_owned(),
            Self::Size { .. } => "a size with its unit, as in \"64KiB\"".to_owned(),
            Self::Share => "a share in per cent, as in \"99.95%\"".to_owned(),
            Self::Rate { .. } => "a rate with its unit, as in \"200/s\"".to_owned(),
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Off => "\"off\"".to_owned(),
            Self::True => "`true`".to_owned(),
            Self::Table(table) => format!("a table with {}", table.key_names()),
            Self::List { item, .. } => format!("an array, each element {}", item.expected()),
            Self::Map { item, .. } => format!("a table, each value {}", item.expected()),
            Self::Either(shapes) => shapes
                .iter()
                .map(Self::expected)
                .collect::<Vec<_>>()
                .join(", or "),
        }
    }
}

fn quoted(texts: &[&str]) -> String {
    texts
        .iter()
        .map(|text| format!("\"{text}\""))
        .collect::<Vec<_>>()
        .join(", ")
}
