//! What was wanted, and what was seen.

/// A target of ours.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// What is to hold.
    pub(crate) what: &'static str,
    /// What was seen.
    pub(crate) seen: String,
    /// Whether it holds.
    pub(crate) met: bool,
}

impl Target {
    /// `seen` is to be `most` at most.
    pub(crate) fn at_most(what: &'static str, seen: f64, most: f64, shown: String) -> Self {
        Self {
            what,
            seen: shown,
            met: seen <= most,
        }
    }

    /// `seen` is to be `least` at least.
    pub(crate) fn at_least(what: &'static str, seen: f64, least: f64, shown: String) -> Self {
        Self {
            what,
            seen: shown,
            met: seen >= least,
        }
    }

    /// In tables.
    pub(super) const fn verdict(&self) -> &'static str {
        if self.met { "met" } else { "MISSED" }
    }
}
