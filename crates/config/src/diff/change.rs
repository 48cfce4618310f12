//! One difference.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of a part of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It says something else.
    Changed,
}

/// One part of a file that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// What became of it.
    pub kind: ChangeKind,
    /// Which part, as in `service catalog` or `route 127.0.0.1:8080 checkout`.
    pub what: String,
    /// Which of its keys differ; empty for what was added or removed.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Why it cannot be changed while the node runs, and what to do; absent where it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

impl Change {
    pub(super) fn new(kind: ChangeKind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            keys: Vec::new(),
            refused: None,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.kind {
            ChangeKind::Added => '+',
            ChangeKind::Removed => '-',
            ChangeKind::Changed => '~',
        };
        write!(f, "{sign} {}", self.what)?;
        if !self.keys.is_empty() {
            write!(f, ": {}", self.keys.join(", "))?;
        }
        match &self.refused {
            Some(why) => write!(f, "\n  refused: {why}"),
            None => Ok(()),
        }
    }
}

/// Collects the keys that differ.
#[derive(Debug, Default)]
pub(super) struct Keys(pub(super) Vec<String>);

impl Keys {
    /// A value that fits into a line.
    pub(super) fn value<T: PartialEq + fmt::Display + ?Sized>(
        &mut self,
        key: &str,
        old: &T,
        new: &T,
    ) {
        if old != new {
            self.0.push(format!("{key} {old} -> {new}"));
        }
    }

    /// A value that does not.
    pub(super) fn whole<T: PartialEq + ?Sized>(&mut self, key: &str, old: &T, new: &T) {
        if old != new {
            self.0.push(key.to_owned());
        }
    }
}
