//! The faults by name, and which figures matter in each.

/// A fault under load. `benches/availability/src/row.rs` does them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Row {
    Kill,
    Hang,
    Gray,
    Errors,
    FastFail,
    Zone,
    Rolling,
    PostKills,
    Reload,
    Overload2,
    Overload10,
}

impl Row {
    pub(super) const ALL: [Self; 11] = [
        Self::Kill,
        Self::Hang,
        Self::Gray,
        Self::Errors,
        Self::FastFail,
        Self::Zone,
        Self::Rolling,
        Self::PostKills,
        Self::Reload,
        Self::Overload2,
        Self::Overload10,
    ];

    /// The name on the command line and in JSON.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Hang => "hang",
            Self::Gray => "gray",
            Self::Errors => "errors",
            Self::FastFail => "fast-fail",
            Self::Zone => "zone",
            Self::Rolling => "rolling",
            Self::PostKills => "post-kills",
            Self::Reload => "reload",
            Self::Overload2 => "overload-2x",
            Self::Overload10 => "overload-10x",
        }
    }

    /// What it is, for people.
    pub(super) const fn about(self) -> &'static str {
        match self {
            Self::Kill => "`kill -9` of one of three replicas, which stays dead for 8 s",
            Self::Hang => "one of three is stopped (SIGSTOP) for 8 s",
            Self::Gray => "one of three is 10 times slower for 8 s; its health check is not",
            Self::Errors => "one of three answers every other request with 500 for 8 s",
            Self::FastFail => "one of three answers everything with 500, at once, for 8 s",
            Self::Zone => "one of three zones of two replicas each is killed for 8 s",
            Self::Rolling => "each of three is ended by SIGTERM and away for 0.5 s, every 2.5 s",
            Self::PostKills => "POSTs; each of three is killed and away for 0.5 s, every 2.5 s",
            Self::Reload => "a changed configuration every second, eight times",
            Self::Overload2 => "twice what the replicas can answer, for 4 s",
            Self::Overload10 => "ten times what the replicas can answer, for 4 s",
        }
    }

    /// Whether one replica is bad for a while and its return can be seen.
    pub(super) const fn brings_back(self) -> bool {
        matches!(
            self,
            Self::Kill | Self::Hang | Self::Gray | Self::Errors | Self::FastFail
        )
    }

    /// Whether the load is the fault.
    pub(super) const fn is_overload(self) -> bool {
        matches!(self, Self::Overload2 | Self::Overload10)
    }
}
