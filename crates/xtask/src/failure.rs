//! Why a command ends.

use std::fmt;

/// One sentence for a person, and the exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    text: String,
    status: u8,
}

impl Failure {
    /// Something is wrong with the tree, the tests or the machine: status 1.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            status: 1,
        }
    }

    /// The command line is wrong: status 2.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            status: 2,
        }
    }

    /// The exit status.
    pub(crate) const fn status(&self) -> u8 {
        self.status
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Names what was being done when an operation failed.
pub(crate) trait While<T> {
    /// `what` reads as in "cannot {what}: …".
    fn while_(self, what: &str) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> While<T> for Result<T, E> {
    fn while_(self, what: &str) -> Result<T, Failure> {
        self.map_err(|why| Failure::new(format!("cannot {what}: {why}")))
    }
}
