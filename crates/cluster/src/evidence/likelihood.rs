use ninefold_core::taxonomy::FailureClass;

use super::hypothesis::Hypothesis;

/// How often an observer says a sign if a hypothesis holds. Words instead of figures: nobody knows better than to
/// a factor of three, and who reads the table can say whether a word is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likelihood {
    /// One in a million: it contradicts what the words mean, and only a lie or a bug could say it.
    Impossible,
    /// One in ten thousand: a test over many calls, or a repeated one, would have to be wrong.
    Freak,
    /// One in a thousand: an accident beside the failure.
    Never,
    /// One in a hundred: noise.
    Hardly,
    /// One in twenty.
    Rarely,
    /// One in five.
    Sometimes,
    /// One in two.
    Often,
    /// Nearly always.
    Usual,
}

impl Likelihood {
    /// Ten times the logarithm of the probability.
    #[must_use]
    pub const fn decibans(self) -> i32 {
        match self {
            Self::Impossible => -60,
            Self::Freak => -40,
            Self::Never => -30,
            Self::Hardly => -20,
            Self::Rarely => -13,
            Self::Sometimes => -7,
            Self::Often => -3,
            Self::Usual => 0,
        }
    }
}

/// A row of the table: what a sign says for and against each hypothesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// In the order of [`Hypothesis::ALL`], without `Correlated`.
    pub likelihoods: [Likelihood; 8],
    /// Beside the same failure alone, in decibans: how much it speaks for a shared one.
    pub shared_db: i32,
    /// Why.
    pub why: &'static str,
}

impl Row {
    /// What it adds to a hypothesis for each observer, in decibans. To `Correlated` it adds only what it says of
    /// onsets; the symptoms come from the class that explains them best.
    #[must_use]
    pub fn decibans(&self, hypothesis: Hypothesis) -> i32 {
        if hypothesis == Hypothesis::Failed(FailureClass::Correlated) {
            return self.shared_db;
        }
        let mut columns = Hypothesis::ALL.iter().zip(&self.likelihoods);
        columns
            .find(|(column, _)| **column == hypothesis)
            .map_or(0, |(_, likelihood)| likelihood.decibans())
    }
}
