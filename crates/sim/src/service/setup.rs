//! What is declared of a service and of the load on it.

use std::time::Duration;

use ninefold_core::balance::{LocalityRules, Wanted};
use ninefold_core::ejection::{EjectionRules, Risk};
use ninefold_core::policy::RetryBudgetConfig;

use crate::{Delay, NodeId};

/// A service, its route, and who asks it.
#[derive(Clone, Debug)]
pub struct Setup {
    /// On which node each instance runs, by ordinal.
    pub homes: Vec<NodeId>,
    /// The node whose gateway is asked.
    pub gateway: NodeId,
    /// Which region each zone is in.
    pub regions: Vec<usize>,
    /// When an endpoint is ejected.
    pub rules: EjectionRules,
    /// How traffic stays near; none where zones do not matter.
    pub locality: Option<LocalityRules>,
    /// How many endpoints there should be.
    pub wanted: Wanted,
    /// Tries in all of one request, the first included; at least 1.
    pub attempts: u32,
    /// Of which repetitions are withdrawn; none where nothing limits them.
    pub budget: Option<RetryBudgetConfig>,
    /// The whole time of a request.
    pub timeout: Duration,
    /// The time of one try.
    pub try_timeout: Duration,
    /// The time in which an endpoint must take a new connection.
    pub connect_timeout: Duration,
    /// How long an instance takes for an answer.
    pub answer: Delay,
    /// Nanoseconds from one request to the next; at least 1.
    pub every: u64,
    /// What requests are, in turn; none means that all of them read.
    pub sorts: Vec<Sort>,
}

/// What may be done with a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// It only reads: it is repeated after a bad answer, too.
    Read,
    /// It may be repeated after it was sent.
    Idempotent,
    /// It is repeated only if it was certainly never sent.
    Once,
}

impl Sort {
    pub(super) const fn risk(self) -> Risk {
        match self {
            Self::Read | Self::Idempotent => Risk::Delay,
            Self::Once => Risk::Failure,
        }
    }
}
