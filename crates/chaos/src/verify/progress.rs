//! What is told while it runs.

use std::fmt;

use crate::Verdict;

/// One step of the run. Its `Display` is one line for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A claim is about to be tried.
    ClaimBegan {
        /// Its name.
        claim: String,
        /// Its trials.
        trials: u32,
    },
    /// A trial entered a phase.
    Phase {
        /// The claim's name.
        claim: String,
        /// Which trial, from 1.
        trial: u32,
        /// Of how many.
        of: u32,
        /// The phase.
        phase: Phase,
        /// On whom, how long, and such; may be empty.
        detail: String,
    },
    /// A trial ended.
    TrialEnded {
        /// The claim's name.
        claim: String,
        /// Which trial, from 1.
        trial: u32,
        /// Of how many.
        of: u32,
        /// What it shows.
        verdict: Verdict,
        /// The reason or the figures, in one line.
        summary: String,
    },
    /// A claim is answered.
    ClaimEnded {
        /// Its name.
        claim: String,
        /// The answer.
        verdict: Verdict,
    },
}

/// The phases of a trial, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// May a fault be injected now?
    Preflight,
    /// Does the load pass without any fault?
    SteadyState,
    /// The journal learns of the fault.
    Announce,
    /// The undo goes to disk.
    Ledger,
    /// The fault.
    Fault,
    /// Did it happen?
    Proof,
    /// Until every instance is ready again.
    Recovery,
    /// A second of load behind it.
    Settle,
    /// What is left of the fault is undone.
    Rollback,
    /// Is anything left behind?
    Residue,
    /// Figures, and reading back.
    Account,
}

impl Phase {
    /// The name in text.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::SteadyState => "steady state",
            Self::Announce => "announce",
            Self::Ledger => "ledger",
            Self::Fault => "fault",
            Self::Proof => "proof",
            Self::Recovery => "recovery",
            Self::Settle => "settle",
            Self::Rollback => "rollback",
            Self::Residue => "residue",
            Self::Account => "account",
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClaimBegan { claim, trials } => write!(f, "{claim}: {trials} trial(s)"),
            Self::Phase {
                trial,
                of,
                phase,
                detail,
                ..
            } => {
                write!(f, "  trial {trial}/{of} {}", phase.name())?;
                if detail.is_empty() {
                    Ok(())
                } else {
                    write!(f, ": {detail}")
                }
            }
            Self::TrialEnded {
                trial,
                of,
                verdict,
                summary,
                ..
            } => write!(f, "  trial {trial}/{of} {verdict}: {summary}"),
            Self::ClaimEnded { claim, verdict } => write!(f, "{claim}: {verdict}"),
        }
    }
}
