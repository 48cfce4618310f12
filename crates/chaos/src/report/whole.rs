//! The whole run.

use std::time::Duration;

use ninefold_core::time::Timestamp;

use super::{ClaimReport, json, junit, markdown, text};
use crate::{Verdict, exit_code};

/// The answers to all claims of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The claims in the order of the file.
    pub claims: Vec<ClaimReport>,
    /// The seed of the run.
    pub seed: u64,
    /// The file that declares them.
    pub file: String,
    /// When the run began.
    pub began: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// Why nothing was tried, if the preflight refused.
    pub refused: Option<String>,
    /// What else should be known: faults of a dead controller that were undone first, residue.
    pub notes: Vec<String>,
}

impl Report {
    /// One object: `{"claims": […], …}`. Times in milliseconds, availability from 0 to 1, `null`
    /// where nothing was measured.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        json::render(self)
    }

    /// A table, and the reasons below it.
    #[must_use]
    pub fn to_text(&self) -> String {
        text::render(self)
    }

    /// A Markdown document.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        markdown::render(self)
    }

    /// A JUnit XML document: a claim is a test case, REFUTED a failure, INCONCLUSIVE an error,
    /// UNTESTED skipped.
    #[must_use]
    pub fn to_junit(&self) -> String {
        junit::render(self)
    }

    /// The exit code of the command; see [`exit_code`].
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let any = |verdict| self.claims.iter().any(|claim| claim.verdict == verdict);
        if self.refused.is_some() {
            exit_code::REFUSED
        } else if any(Verdict::Refuted) {
            exit_code::REFUTED
        } else if self.claims.is_empty() || any(Verdict::Inconclusive) || any(Verdict::Untested) {
            exit_code::INCONCLUSIVE
        } else {
            exit_code::PROVEN
        }
    }
}
