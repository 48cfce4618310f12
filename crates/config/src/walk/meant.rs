//! What a value of the wrong type was probably meant to be.

use toml::de::DeValue;

use crate::finding::KeyPath;
use crate::grammar::Shape;

/// Words of a command line that are shown as an array.
const WORDS_SHOWN: usize = 16;

/// What to write instead, if the value tells.
pub(super) fn meant(shape: &Shape, value: &DeValue<'_>, at: &KeyPath) -> Option<String> {
    let tables = |item: &Shape| item.types().contains(&"table");
    match (shape, value) {
        (Shape::List { item, .. }, DeValue::String(text)) if item.types().contains(&"string") => {
            let words: Vec<_> = text.split_whitespace().take(WORDS_SHOWN).collect();
            Some(format!("{words:?}"))
        }
        // `[…]` and `[[…]]` are easily mistaken for each other.
        (Shape::List { item, .. }, DeValue::Table(_)) if tables(item) => {
            Some(format!("`[[{}]]`", header(at)))
        }
        (Shape::Map { item, .. }, DeValue::Array(array)) if tables(item) && of_tables(array) => {
            Some(format!("`[{}.NAME]`", header(at)))
        }
        (Shape::Table(_), DeValue::Array(array)) if of_tables(array) => {
            Some(format!("`[{}]`, once", header(at)))
        }
        (Shape::Integer { .. }, DeValue::String(text)) => {
            let number: u32 = text.trim().parse().ok()?;
            Some(format!("{number} without quotes"))
        }
        (Shape::Flag, DeValue::String(text)) if matches!(text.as_ref(), "true" | "false") => {
            Some(format!("{text} without quotes"))
        }
        _ => None,
    }
}

fn of_tables(array: &[toml::Spanned<DeValue<'_>>]) -> bool {
    let mut values = array.iter();
    values.any(|value| matches!(value.get_ref(), DeValue::Table(_)))
}

/// The path as it stands in a header: without the numbers of elements.
fn header(at: &KeyPath) -> String {
    at.keys().collect::<Vec<_>>().join(".")
}
