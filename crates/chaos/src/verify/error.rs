//! What goes wrong with the tool itself.

use ninefold_cluster::placement::PlacementError;

use crate::exit_code;
use crate::ledger::LedgerError;

/// Nothing is said about any claim: wrong usage, or the tool failed.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The file declares no claim.
    #[error("the file has no [[claim]]: there is nothing to verify")]
    NoClaims,
    /// A claim was asked for that the file does not have.
    #[error("the file has no claim named `{asked}`{known}")]
    UnknownClaim {
        /// The name asked for.
        asked: String,
        /// What may have been meant, and which claims there are.
        known: String,
    },
    /// Trials out of range.
    #[error("{0} trials: 1 to {max} are possible", max = super::options::TRIALS_MAX)]
    Trials(u32),
    /// A rate that cannot be driven.
    #[error("a rate of {0}/s: more than 0 and at most 20,000 are possible")]
    Rate(f64),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Nobody could be asked.
    #[error("there is no node to try anything on")]
    NoNode,
    /// Nodes and zones of a simulation that do not go together.
    #[error(transparent)]
    Placement(#[from] PlacementError),
    /// This process cannot be read from `/proc`.
    #[error("/proc does not show this process: faults need a Linux with /proc mounted")]
    NoProc,
}

impl VerifyError {
    /// The exit code of the command: [`exit_code::ERROR`].
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        exit_code::ERROR
    }
}
