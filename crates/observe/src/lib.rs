//! What Ninefold remembers and tells: the journal on disk, the SLO ledger, explanations of
//! incidents, and metrics.
//!
//! **Invariant:** nothing here decides. Verdicts, incidents, budgets and alerts come from
//! [`ninefold_core`]; this crate keeps them over restarts and shows them.
//!
//! **Invariant:** a disk that is full or broken never stops the caller. The journal and the ledger
//! go on in memory within limits, say so, and write again when they can.

pub mod explain;
pub mod journal;
pub mod metrics;
pub mod slo_ledger;
