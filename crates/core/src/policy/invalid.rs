//! A configuration that no policy can follow.

use super::PolicyKind;

/// A configuration that makes no sense. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{policy}: `{field}` is {value}: {remedy}")]
pub struct InvalidPolicy {
    /// Whose configuration it is.
    pub policy: PolicyKind,
    /// The field, as in serde.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What is allowed.
    pub remedy: &'static str,
}
