//! Ninefold's membership under drawn faults: one seed, one cluster, one plan, all invariants.

use ninefold_cluster::membership::Config;
use ninefold_core::rng::Rng;

use crate::draw::between;
use crate::invariant::{
    AllRecover, Budget, IncarnationsGrow, Invariant, NoHealthyConvicted, Quorum, ViewsAgree,
};
use crate::plan::plan;
use crate::scenario::Scenario;
use crate::step::ParseError;
use crate::trial::{self, Failure};
use crate::{Topology, membership};

const SECOND: u64 = 1_000_000_000;
/// After healing all agree within this time. One that was lossy stays out for two minutes of it.
const HEALING: u64 = 180 * SECOND;
/// What a node sends in a second at most; twice that, since two processes of one node may run in one second, and a
/// clock that jumps makes one longer.
const BYTES_MAX: u32 = 24_000;
const ZONES: u32 = 3;

/// A cluster and what happens to it.
#[derive(Clone, Debug)]
pub struct Soak {
    seed: u64,
    topology: Topology,
    /// The faults.
    pub plan: Scenario,
}

impl Soak {
    /// What follows from a seed, of so many nodes; without a number of 8 to 16.
    ///
    /// # Errors
    /// If a plan is written wrongly, which is a mistake here.
    pub fn new(seed: u64, nodes: Option<u32>) -> Result<Self, ParseError> {
        let drawn = between(&mut Rng::new(seed), 8, 16);
        let nodes = nodes.or_else(|| u32::try_from(drawn).ok());
        let topology = Topology::new(nodes.unwrap_or(8), ZONES);
        let plan = plan(&topology, seed, HEALING)?;
        Ok(Self {
            seed,
            topology,
            plan,
        })
    }

    /// Where its nodes stand.
    #[must_use]
    pub fn topology(&self) -> Topology {
        self.topology.clone()
    }

    /// Runs it; gives the hash of the whole history.
    ///
    /// # Errors
    /// The first invariant that broke.
    pub fn run(&self) -> Result<u64, Failure> {
        let config = Config::default();
        let mut invariants: Vec<Box<dyn Invariant>> = vec![
            Box::new(NoHealthyConvicted),
            Box::new(Quorum::new(config.observers)),
            Box::new(IncarnationsGrow::default()),
            Box::new(Budget {
                mean: BYTES_MAX,
                p99: BYTES_MAX,
                most: BYTES_MAX,
            }),
            Box::new(ViewsAgree),
            Box::new(AllRecover),
        ];
        let build = membership::build(self.topology.clone(), config);
        trial::run(
            &self.plan,
            self.topology.clone(),
            self.seed,
            build,
            &mut invariants,
        )
    }
}
