//! One finding.

use std::ops::Range;

use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file is accepted, but something in it will hardly do what was meant.
    Warning,
}

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What kind of finding this is: kebab-case, the same in every version.
    pub code: &'static str,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The dotted path of the key, as in `service.catalog.replicas` or `listener[0].route[1].path`
    /// (elements of arrays are counted from 0). Empty for the whole file.
    pub key: String,
    /// The bytes of the text that it is about. `None` if there is no text.
    pub span: Option<Range<usize>>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The value that was refused, as written.
    pub value: Option<String>,
    /// What is allowed, and what to do.
    pub help: Option<String>,
}
