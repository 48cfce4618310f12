//! Exit codes of `ninefold verify`. They are stable.

/// Every claim is PROVEN.
pub const PROVEN: u8 = 0;
/// At least one claim is REFUTED.
pub const REFUTED: u8 = 1;
/// Wrong usage, or the tool itself failed; nothing is said about the claims.
pub const ERROR: u8 = 2;
/// No claim is REFUTED, but at least one is INCONCLUSIVE or UNTESTED.
pub const INCONCLUSIVE: u8 = 3;
/// The preflight refused before any fault: chaos is disabled, the system is already degraded,
/// another experiment runs, the reaper or the ledger does not work.
pub const REFUSED: u8 = 4;
