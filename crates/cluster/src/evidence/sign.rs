use std::fmt;
use std::time::Duration;

/// On what an observer reports. Of each observer and channel the newest sign counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Probes of an edge: between members, or a health check of an instance. With the one-way matrix.
    Edge,
    /// Probes for somebody else whose own probe failed: reached, or a nack.
    Relay,
    /// What callers met, beside the subject's peers.
    Callers,
    /// Its latency among its peers.
    Rank,
    /// Requests whose answer is known.
    Canary,
    /// Its answers beside those of other replicas.
    Vote,
    /// Its process, as its host's supervisor and kernel see it.
    Process,
    /// Its incarnations, by their nonces.
    Incarnation,
    /// Its own clock: whether it was scheduled, as it says itself.
    Clock,
    /// When its failure began, beside others that share a tag.
    Onset,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 10] = [
        Self::Edge,
        Self::Relay,
        Self::Callers,
        Self::Rank,
        Self::Canary,
        Self::Vote,
        Self::Process,
        Self::Incarnation,
        Self::Clock,
        Self::Onset,
    ];

    /// After how long a word counts half.
    ///
    /// Ten times the period of who reports periodically (probes 1 s, callers 1 s, rank and votes by some seconds),
    /// so that one missed report changes little. What holds until its contrary is seen (a process, a crash loop, a
    /// shared onset) has the minute in which such things are judged together.
    #[must_use]
    pub const fn half_life(self) -> Duration {
        Duration::from_secs(match self {
            Self::Edge | Self::Relay | Self::Callers => 10,
            Self::Rank | Self::Canary | Self::Vote | Self::Clock => 20,
            Self::Process | Self::Incarnation | Self::Onset => 60,
        })
    }

    /// How many observers one sign may be worth in all, in thousandths.
    ///
    /// All of the ten who probe a member; of one zone six, as they share what is between them. Three gateways: they
    /// share their callers. A process, a clock and an onset are one fact, whoever tells it.
    pub(super) const fn observers_thousandths(self) -> i32 {
        match self {
            Self::Edge => 10_000,
            Self::Relay | Self::Callers | Self::Canary | Self::Vote => 3_000,
            Self::Rank => 2_000,
            Self::Process | Self::Incarnation | Self::Clock | Self::Onset => 1_000,
        }
    }

    /// The name used in text.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Relay => "relay",
            Self::Callers => "callers",
            Self::Rank => "rank",
            Self::Canary => "canary",
            Self::Vote => "vote",
            Self::Process => "process",
            Self::Incarnation => "incarnation",
            Self::Clock => "clock",
            Self::Onset => "onset",
        }
    }
}

macro_rules! signs {
    ($($(#[$doc:meta])* $sign:ident $channel:ident $name:literal,)*) => {
        /// What an observer saw on a [`Channel`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Sign {
            $($(#[$doc])* $sign,)*
        }

        impl Sign {
            /// Every sign, channel by channel.
            pub const ALL: &[Self] = &[$(Self::$sign,)*];

            /// Where it is seen.
            #[must_use]
            pub const fn channel(self) -> Channel {
                match self {
                    $(Self::$sign => Channel::$channel,)*
                }
            }

            /// The name used in text.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$sign => $name,)*
                }
            }
        }
    };
}

signs! {
    /// It answers probes in time; what is lost is noise.
    Answers Edge "answers",
    /// All it sends arrives, and late.
    Late Edge "late",
    /// Some of it is lost, above the path's noise; what arrives is on time.
    Lossy Edge "lossy",
    /// One direction works and the other does not, by the one-way matrix.
    OneWay Edge "one-way",
    /// Nothing in either direction, not even from its kernel.
    Silent Edge "silent",
    /// Its kernel accepts, and nothing comes: twice in a row.
    Unserved Edge "unserved",
    /// Its kernel refuses what it accepted before, or says that the port is unreachable: twice in a row.
    Refused Edge "refused",
    /// It answers that it is not well, or was not ready in time, and nothing says why.
    Unwell Edge "unwell",
    /// A relay reached it while the observer did not.
    Reached Relay "reached",
    /// A relay that is well could not reach it either.
    Nacked Relay "nacked",
    /// Callers are served as its peers' are.
    Served Callers "served",
    /// Some callers get errors or run out of time, several times as many as at its peers.
    Failing Callers "failing",
    /// A few callers got errors, and at its peers hardly any did: too few for a test.
    Faltering Callers "faltering",
    /// Callers fail, and at its peers as often.
    FailingEverywhere Callers "failing-everywhere",
    /// Most connections are refused or cut, and some get through.
    Torn Callers "torn",
    /// Connections are refused or cut, and none gets through.
    Cut Callers "cut",
    /// Connections stand, and nothing is answered, while its peers answer.
    Waiting Callers "waiting",
    /// It is as fast as its peers.
    Usual Rank "usual",
    /// It is slower than its peers, by a confidence bound.
    Slow Rank "slow",
    /// A gateway took it out of rotation because it is slower than its peers.
    Outlier Rank "outlier",
    /// A known answer came.
    Right Canary "right",
    /// In place of a known answer came another one.
    Wrong Canary "wrong",
    /// It answers as most replicas do.
    Agrees Vote "agrees",
    /// It answers otherwise than most replicas do.
    Minority Vote "minority",
    /// Its process runs.
    Alive Process "alive",
    /// Its process ended, and nobody asked for it. Authoritative.
    Exited Process "exited",
    /// The kernel says that its process is stopped.
    Stopped Process "stopped",
    /// Its process cannot be started at all.
    Unstartable Process "unstartable",
    /// A new incarnation runs: an earlier one ended lately.
    Restarted Incarnation "restarted",
    /// Incarnations end again and again, none lasting.
    Looping Incarnation "looping",
    /// The same incarnation is back after it was taken for dead.
    Survived Incarnation "survived",
    /// It was scheduled whenever it wanted to be.
    OnTime Clock "on-time",
    /// It stood still for longer than its probes allow.
    Stalled Clock "stalled",
    /// Nothing else failed with it.
    Alone Onset "alone",
    /// Others failed within seconds that share a tag with it.
    Shared Onset "shared",
}

impl Sign {
    /// The sign of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|sign| sign.name() == name)
    }

    /// Whether it says that something is wrong: then the observer's own health counts.
    #[must_use]
    pub const fn accuses(self) -> bool {
        !matches!(
            self,
            Self::Answers
                | Self::Served
                | Self::Usual
                | Self::Right
                | Self::Agrees
                | Self::Alive
                | Self::OnTime
                | Self::Alone
        )
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.channel().name(), self.name())
    }
}
