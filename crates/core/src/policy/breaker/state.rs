//! The state and its generation in one word.

/// What a breaker does with calls. The names are Resilience4j's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Calls pass, and their results are counted.
    Closed,
    /// Calls are refused until a wait is over.
    Open,
    /// A few trial calls pass; their results decide.
    HalfOpen,
    /// Calls are refused until somebody says otherwise.
    ForcedOpen,
    /// Calls pass and nothing is counted.
    Disabled,
    /// Calls pass and are counted, but nothing follows from it.
    MetricsOnly,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Closed,
        Self::Open,
        Self::HalfOpen,
        Self::ForcedOpen,
        Self::Disabled,
        Self::MetricsOnly,
    ];

    /// The name, as in metrics and events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            Self::Disabled => "disabled",
            Self::MetricsOnly => "metrics_only",
        }
    }
}

/// A state in the lowest three bits, and above them the number of changes so far. At a change a
/// microsecond it lasts 73,000 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(u64);

impl Word {
    /// Closed, and of the first generation. It is 1, because 0 marks slots that were never written.
    pub(super) const FIRST: Self = Self(1 << 3);

    #[inline]
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    #[inline]
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    #[inline]
    pub(super) const fn state(self) -> State {
        match self.0 & 7 {
            0 => State::Closed,
            1 => State::Open,
            2 => State::HalfOpen,
            3 => State::ForcedOpen,
            4 => State::Disabled,
            _ => State::MetricsOnly,
        }
    }

    #[inline]
    pub(super) const fn is_closed(self) -> bool {
        self.0 & 7 == 0
    }

    #[inline]
    pub(super) const fn generation(self) -> u64 {
        self.0 >> 3
    }

    /// The next generation, in `state`.
    pub(super) const fn next(self, state: State) -> Self {
        let code = match state {
            State::Closed => 0,
            State::Open => 1,
            State::HalfOpen => 2,
            State::ForcedOpen => 3,
            State::Disabled => 4,
            State::MetricsOnly => 5,
        };
        Self((self.generation().wrapping_add(1) << 3) | code)
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    #[test]
    fn a_word_keeps_its_state_and_counts_generations() {
        let mut word = Word::FIRST;
        assert!(word.is_closed());
        for (n, state) in State::ALL.into_iter().enumerate() {
            word = word.next(state);
            assert_eq!(word.state(), state);
            assert_eq!(word.generation(), 2 + n as u64);
            assert_eq!(word.is_closed(), state == State::Closed);
            assert_eq!(Word::from_bits(word.bits()), word);
        }
    }
}
