//! `[[claim]]`: what the service must survive, and under which load that is tried.

use std::collections::BTreeMap;

use super::{Name, Rate, Ratio, Span};

/// One claim. It holds in a trial if every declared bound holds from the fault to full recovery.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// `name`: a sentence; unique in the file.
    pub name: String,
    /// `survive`.
    pub survive: Survive,
    /// `service`: on whose instances the fault falls. Default: the service behind the SLO's route.
    /// A fault of zones or nodes falls on all supervised services.
    pub service: Name,
    /// `slo`: whose route is watched.
    pub slo: Name,
    /// `available`: the least share of requests that succeed from the fault to recovery.
    pub available: Ratio,
    /// `recover`: from the fault until every instance is ready again, and every node is there, at most; of
    /// `gray`, `errors`, `resets`, `wrong_answers` and `partition`, which last, until the traffic keeps away from those that
    /// they are done to.
    pub recover: Option<Span>,
    /// `lose`: acknowledged writes that may be lost. Needs `load.check`.
    pub lose: Option<u64>,
    /// `load`.
    pub load: Load,
}

/// The fault of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survive {
    /// `{ instances = N }`: N instances of the service are killed with SIGKILL at once.
    Instances(u32),
    /// `{ hang = N }`: N instances are stopped with SIGSTOP.
    Hang(u32),
    /// `{ zones = N }`: every instance of N zones is killed with SIGKILL at once; on a cluster of nodes, the
    /// nodes of these zones with all that they run.
    Zones(u32),
    /// `{ nodes = N }`: N nodes die at once: Ninefold there, and every process of its instances, by SIGKILL.
    Nodes(u32),
    /// `{ partition = N }`: N nodes are cut off from all others.
    Partition {
        /// How many.
        nodes: u32,
        /// `one_way = true`: the others do not hear them, and they hear the others.
        one_way: bool,
    },
    /// `{ gray = N }`: N instances are slow towards clients, by a fault in the gateway, while their
    /// probes pass.
    Gray(u32),
    /// `{ errors = N }`: N instances answer half of the attempts with 500, by a fault in the gateway.
    Errors(u32),
    /// `{ resets = N }`: the connection breaks instead of half of the answers of N instances, by a fault in
    /// the gateway: what they were asked to do is done.
    Resets(u32),
    /// `{ wrong_answers = N }`: N instances answer with another body, by a fault in the gateway, in time
    /// and as if nothing were wrong.
    WrongAnswers(u32),
}

impl Survive {
    /// Its key, and how many it is about.
    #[must_use]
    pub const fn key(self) -> (&'static str, u32) {
        match self {
            Self::Instances(count) => ("instances", count),
            Self::Hang(count) => ("hang", count),
            Self::Zones(count) => ("zones", count),
            Self::Nodes(count) => ("nodes", count),
            Self::Partition { nodes, .. } => ("partition", nodes),
            Self::Gray(count) => ("gray", count),
            Self::Errors(count) => ("errors", count),
            Self::Resets(count) => ("resets", count),
            Self::WrongAnswers(count) => ("wrong_answers", count),
        }
    }

    /// Whether the gateway does it: the fault needs no process, and touches none.
    #[must_use]
    pub const fn in_gateway(self) -> bool {
        matches!(
            self,
            Self::Gray(_) | Self::Errors(_) | Self::Resets(_) | Self::WrongAnswers(_)
        )
    }

    /// Whether it is done to whole nodes: without a cluster of several there is nothing to try.
    #[must_use]
    pub const fn of_nodes(self) -> bool {
        matches!(self, Self::Nodes(_) | Self::Partition { .. })
    }
}

/// `load`: the open-loop load that a claim is tried under.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// `rate`: intended requests a second. Default 100/s.
    pub rate: Rate,
    /// `requests`: taken in turn. Default: one GET on the route's path.
    pub requests: Vec<LoadRequest>,
    /// `check`: a path with `{id}`. After a trial it is fetched for the id of every acknowledged
    /// request that used `{id}`; a 404 is a lost write.
    pub check: Option<String>,
}

/// One request of a load. `{id}` in path or body becomes an id that is unique in the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadRequest {
    /// `method`. Default GET.
    pub method: String,
    /// `path`.
    pub path: String,
    /// `headers`.
    pub headers: BTreeMap<String, String>,
    /// `body`. Default: none.
    pub body: Option<String>,
}
