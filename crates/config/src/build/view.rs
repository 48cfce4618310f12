//! A lenient look at a table.

use std::collections::BTreeMap;
use std::str::FromStr;

use toml::de::{DeTable, DeValue};

use crate::finding::{KeyPath, Step};
use crate::walk::integer;

/// A table that may not be there; what is missing or of another type reads as `None`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct View<'a, 'i>(Option<&'a DeTable<'i>>);

impl<'a, 'i> View<'a, 'i> {
    /// Of a table.
    pub(super) const fn new(table: &'a DeTable<'i>) -> Self {
        Self(Some(table))
    }

    /// The value of a key.
    pub(super) fn value(&self, key: &str) -> Option<&'a DeValue<'i>> {
        self.0?.get(key).map(toml::Spanned::get_ref)
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.value(key)?.as_str()
    }

    /// A text, as a type that it can be parsed to.
    pub(super) fn parse<T: FromStr>(&self, key: &str) -> Option<T> {
        self.text(key)?.parse().ok()
    }

    /// A whole number.
    pub(super) fn integer<T: TryFrom<i64>>(&self, key: &str) -> Option<T> {
        self.value(key)
            .and_then(integer)
            .and_then(|number| number.try_into().ok())
    }

    /// A boolean.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        self.value(key)?.as_bool()
    }

    /// Whether `off` or `false` is written.
    pub(super) fn is_off(&self, key: &str) -> bool {
        self.text(key) == Some("off") || self.flag(key) == Some(false)
    }

    /// A table; an empty one if there is none.
    pub(super) fn table(&self, key: &str) -> Self {
        Self(self.value(key).and_then(DeValue::as_table))
    }

    /// The elements of an array.
    pub(super) fn elements(&self, key: &str) -> Vec<&'a DeValue<'i>> {
        let array = self.value(key).and_then(DeValue::as_array);
        array
            .into_iter()
            .flat_map(|array| array.iter().map(toml::Spanned::get_ref))
            .collect()
    }

    /// The elements of an array of tables; one that is no table reads as an empty one, so that
    /// the others keep their index.
    pub(super) fn tables(&self, key: &str) -> Vec<Self> {
        let elements = self.elements(key);
        elements
            .into_iter()
            .map(|element| Self(element.as_table()))
            .collect()
    }

    /// The texts of an array; one that is no text reads as an empty one.
    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let elements = self.elements(key);
        elements
            .into_iter()
            .map(|element| element.as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// The names and values of a table.
    pub(super) fn entries(&self, key: &str) -> Vec<(&'a str, &'a DeValue<'i>)> {
        let table = self.value(key).and_then(DeValue::as_table);
        table
            .into_iter()
            .flat_map(|table| {
                table
                    .iter()
                    .map(|(name, value)| (name.get_ref().as_ref(), value.get_ref()))
            })
            .collect()
    }

    /// The texts of a table by name.
    pub(super) fn text_map(&self, key: &str) -> BTreeMap<String, String> {
        let entries = self.entries(key);
        entries
            .into_iter()
            .map(|(name, value)| {
                (
                    name.to_owned(),
                    value.as_str().unwrap_or_default().to_owned(),
                )
            })
            .collect()
    }

    /// The value at a path.
    pub(super) fn find(&self, path: &KeyPath) -> Option<&'a DeValue<'i>> {
        let (first, rest) = path.steps().split_first()?;
        let mut at = match first {
            Step::Key(key) => self.value(key)?,
            Step::Index(_) => return None,
        };
        for step in rest {
            at = match step {
                Step::Key(key) => at.as_table()?.get(key.as_str())?.get_ref(),
                Step::Index(index) => at.as_array()?.get(*index)?.get_ref(),
            };
        }
        Some(at)
    }
}
