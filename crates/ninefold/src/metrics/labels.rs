//! Labels.

use prometheus_client::encoding::EncodeLabelSet;

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct PolicyLabels {
    pub(super) policy: &'static str,
    pub(super) name: String,
}

/// How calls ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CallLabels {
    pub(super) policy: &'static str,
    pub(super) name: String,
    pub(super) outcome: &'static str,
}

/// Why calls were refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RejectionLabels {
    pub(super) policy: &'static str,
    pub(super) name: String,
    pub(super) reason: &'static str,
}

/// Where answers came from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct SubstitutionLabels {
    pub(super) policy: &'static str,
    pub(super) name: String,
    pub(super) source: &'static str,
}

/// A state.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct StateLabels {
    pub(super) policy: &'static str,
    pub(super) name: String,
    pub(super) state: &'static str,
}

/// A number that moves.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct LevelLabels {
    pub(super) policy: &'static str,
    pub(super) name: String,
    pub(super) what: &'static str,
}
