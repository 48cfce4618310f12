//! The four answers.

use std::fmt;

use serde::Serialize;

/// What `verify` says about a claim, or about one trial of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Every trial ran and met every declared bound.
    Proven,
    /// A trial broke a declared bound; the reasons have the figures.
    Refuted,
    /// It was tried and cannot be told: the baseline was not met, the fault was not seen to
    /// happen, or requests of unknown outcome could turn the verdict.
    Inconclusive,
    /// It was not tried.
    Untested,
}

impl Verdict {
    /// The name used in JSON and text.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proven => "PROVEN",
            Self::Refuted => "REFUTED",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Untested => "UNTESTED",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
