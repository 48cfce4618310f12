use std::fmt;

/// The detectors there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A constant timeout.
    FixedTimeout,
    /// Chen's, with expected arrivals.
    NfdE,
    /// Chen's with Jacobson's margin.
    Bertier,
    /// Chen's with two windows.
    TwoWindow,
    /// φ as in Akka.
    PhiAkka,
    /// φ as in Cassandra.
    PhiCassandra,
    /// φ as in chitchat.
    PhiChitchat,
    /// Ours.
    Ninefold,
}

impl Kind {
    /// All of them, ours last.
    pub const ALL: [Self; 8] = [
        Self::FixedTimeout,
        Self::NfdE,
        Self::Bertier,
        Self::TwoWindow,
        Self::PhiAkka,
        Self::PhiCassandra,
        Self::PhiChitchat,
        Self::Ninefold,
    ];

    /// The name in tables and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FixedTimeout => "fixed-timeout",
            Self::NfdE => "nfd-e",
            Self::Bertier => "bertier",
            Self::TwoWindow => "2w-fd",
            Self::PhiAkka => "phi-akka",
            Self::PhiCassandra => "phi-cassandra",
            Self::PhiChitchat => "phi-chitchat",
            Self::Ninefold => "ninefold",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
