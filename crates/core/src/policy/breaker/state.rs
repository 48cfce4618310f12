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

/// What the word says: a state, or one whose window is being laid out anew. Calls that begin while
/// it is are admitted and not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    In(State),
    Resizing { metrics_only: bool },
}

impl Phase {
    pub(super) const fn state(self) -> State {
        match self {
            Self::In(state) => state,
            Self::Resizing {
                metrics_only: false,
            } => State::Closed,
            Self::Resizing { metrics_only: true } => State::MetricsOnly,
        }
    }

    const fn code(self) -> u64 {
        match self {
            Self::In(State::Closed) => 0,
            Self::In(State::Open) => 1,
            Self::In(State::HalfOpen) => 2,
            Self::In(State::ForcedOpen) => 3,
            Self::In(State::Disabled) => 4,
            Self::In(State::MetricsOnly) => 5,
            Self::Resizing {
                metrics_only: false,
            } => 6,
            Self::Resizing { metrics_only: true } => 7,
        }
    }
}

/// A phase in the lowest three bits, and above them the number of changes so far. At a change a
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
    pub(super) const fn phase(self) -> Phase {
        match self.0 & 7 {
            0 => Phase::In(State::Closed),
            1 => Phase::In(State::Open),
            2 => Phase::In(State::HalfOpen),
            3 => Phase::In(State::ForcedOpen),
            4 => Phase::In(State::Disabled),
            5 => Phase::In(State::MetricsOnly),
            code => Phase::Resizing {
                metrics_only: code == 7,
            },
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

    /// The next generation, in `phase`.
    pub(super) const fn next(self, phase: Phase) -> Self {
        Self((self.generation().wrapping_add(1) << 3) | phase.code())
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    #[test]
    fn a_word_keeps_its_phase_and_counts_generations() {
        let mut word = Word::FIRST;
        assert!(word.is_closed());
        let phases = State::ALL.map(Phase::In).into_iter().chain([
            Phase::Resizing {
                metrics_only: false,
            },
            Phase::Resizing { metrics_only: true },
        ]);
        for (n, phase) in phases.enumerate() {
            word = word.next(phase);
            assert_eq!(word.phase(), phase);
            assert_eq!(word.generation(), 2 + n as u64);
            assert_eq!(word.is_closed(), phase == Phase::In(State::Closed));
            assert_eq!(Word::from_bits(word.bits()), word);
        }
    }
}
