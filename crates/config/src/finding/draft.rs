//! A finding before its place in the text is known.

use super::{KeyPath, Severity};

/// Which part of `key = value` a finding points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spot {
    /// The key, or the header of a table.
    Key,
    /// The value; of a table that is not written inline, its header.
    Value,
}

/// A finding that names its key; the [`Report`](super::Report) finds line and column.
#[derive(Clone, Debug)]
#[must_use]
pub(crate) struct Draft {
    pub(super) severity: Severity,
    pub(super) code: &'static str,
    pub(super) path: KeyPath,
    pub(super) spot: Spot,
    pub(super) message: String,
    pub(super) value: Option<String>,
    pub(super) help: Option<String>,
}

impl Draft {
    /// An error about the value at `path`.
    pub(crate) fn error(code: &'static str, path: &KeyPath, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            path: path.clone(),
            spot: Spot::Value,
            message: message.into(),
            value: None,
            help: None,
        }
    }

    /// A warning about the value at `path`.
    pub(crate) fn warning(code: &'static str, path: &KeyPath, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, path, message)
        }
    }

    /// Points at the key instead of the value.
    pub(crate) const fn at_key(mut self) -> Self {
        self.spot = Spot::Key;
        self
    }

    /// The value that is refused.
    pub(crate) fn value(mut self, value: impl ToString) -> Self {
        self.value = Some(value.to_string());
        self
    }

    /// What to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
