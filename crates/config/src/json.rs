//! Findings for machines.

use serde_json::{Value, json};

use crate::{Outcome, Summary};

/// One object: `path`, `valid`, `errors`, `warnings`, `summary` with the fields of
/// [`Summary`](crate::Summary), or null where the file is not valid, and `findings` with those of
/// [`Finding`](crate::Finding).
#[must_use]
pub fn to_json(outcome: &Outcome) -> Value {
    json!({
        "path": outcome.path.to_string_lossy(),
        "valid": outcome.file.is_some(),
        "errors": outcome.errors(),
        "warnings": outcome.warnings(),
        "summary": outcome.file.as_ref().map(Summary::of),
        "findings": outcome.findings,
    })
}
