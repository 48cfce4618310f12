//! What reading a file gives.

use std::path::{Path, PathBuf};

use crate::model::File;
use crate::{Finding, Severity};

/// A file, or what is wrong with it; often both, as warnings do not refuse it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The configuration: there exactly when no finding is an error.
    pub file: Option<File>,
    /// What is wrong, by position in the text.
    pub findings: Vec<Finding>,
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Outcome {
    /// Where the text was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text that the findings point into. Empty if it could not be read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many findings are errors.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// How many findings are warnings.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }
}
