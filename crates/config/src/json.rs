//! Findings for machines.

use serde_json::{Value, json};

use crate::Outcome;

/// One object: `path`, `valid`, `errors`, `warnings`, and `findings` with the fields of
/// [`Finding`](crate::Finding).
#[must_use]
pub fn to_json(outcome: &Outcome) -> Value {
    json!({
        "path": outcome.path.to_string_lossy(),
        "valid": outcome.file.is_some(),
        "errors": outcome.errors(),
        "warnings": outcome.warnings(),
        "findings": outcome.findings,
    })
}
