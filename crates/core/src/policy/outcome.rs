//! How a call ended, as far as a policy cares.

/// How an admitted call ended. A call that was given up has no outcome: its permit is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It did what it should, in time.
    Success,
    /// It did what it should, too late to be useful. Policies that measure time themselves also
    /// find this out by themselves.
    Slow,
    /// It failed in a way that says something about who was called.
    Failure,
    /// It ended in a way that says nothing about who was called, such as a caller's own mistake.
    Ignored,
}

impl Outcome {
    /// The name, as in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Slow => "slow",
            Self::Failure => "failure",
            Self::Ignored => "ignored",
        }
    }
}
