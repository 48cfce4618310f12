//! What goes wrong, in words.

use std::fmt::Display;

/// One sentence for a person.
pub(crate) type Problem = String;

/// Names what was being done when an operation failed.
pub(crate) trait While<T> {
    /// `what` reads as in "cannot {what}: …".
    fn while_(self, what: &str) -> Result<T, Problem>;
}

impl<T, E: Display> While<T> for Result<T, E> {
    fn while_(self, what: &str) -> Result<T, Problem> {
        self.map_err(|why| format!("cannot {what}: {why}"))
    }
}
