use serde::{Deserialize, Serialize};

/// What came of a check of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checked {
    /// A canary got the known answer.
    CanaryRight,
    /// A canary got another one.
    CanaryWrong,
    /// A canary got no whole answer, or an error.
    CanaryUnanswered,
    /// All that were asked gave the same answer.
    VoteAgreed,
    /// One gave another answer than the rest.
    VoteMinority,
    /// There was no majority.
    VoteSplit,
    /// Fewer than two gave a whole answer, or had too much to do to be asked.
    VoteUnanswered,
}

impl Checked {
    pub(crate) const ALL: [Self; 7] = [
        Self::CanaryRight,
        Self::CanaryWrong,
        Self::CanaryUnanswered,
        Self::VoteAgreed,
        Self::VoteMinority,
        Self::VoteSplit,
        Self::VoteUnanswered,
    ];

    /// What was done: `canary` or `vote`.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::CanaryRight | Self::CanaryWrong | Self::CanaryUnanswered => "canary",
            Self::VoteAgreed | Self::VoteMinority | Self::VoteSplit | Self::VoteUnanswered => {
                "vote"
            }
        }
    }

    /// The name of the result in metrics.
    #[must_use]
    pub const fn result(self) -> &'static str {
        match self {
            Self::CanaryRight => "right",
            Self::CanaryWrong => "wrong",
            Self::VoteAgreed => "agreed",
            Self::VoteMinority => "minority",
            Self::VoteSplit => "split",
            Self::CanaryUnanswered | Self::VoteUnanswered => "unanswered",
        }
    }
}
