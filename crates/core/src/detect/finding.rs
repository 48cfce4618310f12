use std::sync::Arc;

use crate::event::Verdict;
use crate::id::InstanceId;
use crate::time::Timestamp;

/// What does not change about an instance, and matters to its judges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The node that runs it, where there are several.
    pub node: Option<Arc<str>>,
    /// Its zone, if it has one.
    pub zone: Option<Arc<str>>,
    /// Whether Ninefold starts its process and sees it end.
    pub supervised: bool,
    /// Whether it has a `ready` or `live` probe.
    pub probed: bool,
}

/// What callers meet at an instance, beside its peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallersWord {
    /// Nearly all of them are served.
    Served,
    /// Many fail, and not at its peers.
    Failing,
    /// Some fail, and probably not at its peers: too few to be sure.
    Faltering,
    /// Many fail, and at its peers as well.
    FailingEverywhere,
    /// Half of the connections or more are refused or cut, and some get through.
    Torn,
    /// Connections are refused or cut, and none gets through.
    Cut,
    /// Connections stand and nothing is answered, while the peers answer.
    Waiting,
}

/// What the detector concludes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// An instance failed, or the class of its failure changed.
    Verdict(Verdict),
    /// The gateway took a failed instance out of routing by itself.
    Isolated {
        /// Which instance.
        instance: InstanceId,
        /// Since when.
        at: Timestamp,
    },
    /// A failed instance is well again; its verdict is void.
    Recovered {
        /// Which instance.
        instance: InstanceId,
        /// Since when.
        at: Timestamp,
    },
}
