use crate::event::EvidenceLine;
use crate::taxonomy::FailureClass;
use crate::time::Timestamp;

/// What one rule of the table says about an instance.
#[derive(Clone, Debug)]
pub(super) struct Charge {
    pub(super) class: FailureClass,
    /// The table's third column.
    pub(super) weight: u8,
    pub(super) clears: Clears,
    pub(super) onset: Timestamp,
    pub(super) evidence: Vec<EvidenceLine>,
}

/// Whose good news ends a verdict without a restart. Of an instance without probes it is always
/// the callers'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clears {
    /// Its probes: they saw the failure.
    Probes,
    /// Its callers: the probes passed all along.
    Callers,
    /// Its callers, once the gateway finds it as good as its peers: what is slow answers all the time.
    Comparison,
    /// Either of them.
    Any,
    /// Right answers to canaries, and votes with the majority.
    Answers,
}

/// One line of evidence.
pub(super) fn line(at: Timestamp, observer: &str, what: String) -> EvidenceLine {
    EvidenceLine {
        at,
        observer: observer.to_owned(),
        what,
    }
}
