//! One fault under load: before it, while it lasts, and the way back.

use ninefold_cluster::membership::Config;

use super::load::Load;
use super::trouble::Trouble;
use super::{Request, Setup};
use crate::link::Effect;
use crate::measure::Measure;
use crate::membership;
use crate::simulation::Simulation;
use crate::step::{Select, Step};
use crate::{Delay, NodeSet, Topology};

const SECOND: u64 = 1_000_000_000;
/// Before the fault: members know how regular the others are, and gateways how fast endpoints are.
const STEADY: u64 = 10 * SECOND;
/// No two trials strike at the same moment of everybody's rounds.
const STEADY_JITTER: u64 = 2 * SECOND;
/// Traffic keeps away from those that are hit when none is in rotation, or none was asked for so long: from who is in
/// another zone it may keep away by itself. A fault lasts so long at least.
const QUIET: u64 = 8 * SECOND;
/// So long a fault lasts at most until that is so, and until all know of it.
const LASTS_MAX: u64 = 60 * SECOND;
const KNOWN_MAX: u64 = 15 * SECOND;
/// So long it is waited for that all are back, in ns; who was convicted lately is held off for a while.
pub const REJOIN_MAX: u64 = 180 * SECOND;
/// What comes after that counts still.
const SETTLE: u64 = 2 * SECOND;
/// How often it is looked whether something is so.
const LOOK: u64 = 20_000_000;

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Hosts are gone from one moment to the next, with all that runs there, and say nothing: as if their power failed.
    Gone(NodeSet),
    /// Hosts are cut off from all others, both ways, or such that only the others do not hear them.
    CutOff {
        /// Which.
        nodes: NodeSet,
        /// Whether they still hear the others.
        one_way: bool,
    },
    /// Instances, by ordinal, take so much longer.
    Slow(Vec<usize>, Delay),
    /// Instances, by ordinal, answer such a share of the requests with an error.
    Failing(Vec<usize>, f64),
}

/// What a trial is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where nodes stand.
    pub topology: Topology,
    /// The service, and who asks it.
    pub setup: Setup,
    /// What happens.
    pub fault: Fault,
}

/// What became of it. Times are in ns and count from the fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Until the first healthy node had convicted the first of the nodes that the fault was done to.
    pub detect: Option<u64>,
    /// Until every healthy node had convicted all of them.
    pub convicted: Option<u64>,
    /// Until no instance that was hit was in the gateway's rotation; or until one was asked for the last time, but for
    /// requests that try whether it is well again, where that was sooner. None if neither was.
    pub isolated: Option<u64>,
    /// How long that was waited for.
    pub watched: u64,
    /// From the end of the fault until everybody took everybody for a member, and every endpoint traffic.
    pub rejoined: Option<u64>,
    /// How often a node was convicted that no fault was done to.
    pub wrongly: u64,
    /// The requests that came from the fault on; `began` counts from the fault.
    pub requests: Vec<Request>,
    /// A hash of all that happened to the nodes.
    pub hash: u64,
}

/// Runs one. The same plan and seed see the same.
#[must_use]
pub fn run(plan: &Plan, seed: u64) -> Seen {
    let topology = &plan.topology;
    let build = membership::build(topology.clone(), Config::default());
    let mut simulation = Simulation::new(topology.clone(), seed, build);
    let mut load = Load::new(plan.setup.clone(), &simulation, seed ^ 0x5e_72);
    let struck = STEADY + seed.wrapping_mul(0x9e37_79b9) % STEADY_JITTER;
    let subjects = plan.fault.nodes().cloned().unwrap_or_default();
    let mut measure = Measure::new(topology.nodes(), subjects, struck);
    load.run_until(&mut simulation, struck, &mut measure);
    if let Some(step) = plan.fault.step() {
        simulation.apply(&step, &mut measure);
    }
    load.strike(Some(plan.fault.trouble()));
    loop {
        let now = simulation.now();
        let lasted = now - struck;
        let known = measure.all().len() == measure.subjects() as usize;
        let quiet = now - load.asked().unwrap_or(struck) >= QUIET;
        let kept_away = quiet || load.away().is_some() && lasted >= QUIET;
        if kept_away && (known || lasted >= KNOWN_MAX) || lasted >= LASTS_MAX {
            break;
        }
        load.run_until(&mut simulation, now + LOOK, &mut measure);
    }
    let ended = simulation.now();
    let asked = load.asked().unwrap_or(struck);
    let quiet = (ended - asked >= QUIET).then_some(asked);
    let isolated = load.away().into_iter().chain(quiet).min();
    let (detect, convicted) = (measure.first().first().copied(), all(&measure));
    simulation.apply(&plan.fault.end(), &mut measure);
    load.strike(None);
    let rejoined = back(&mut simulation, &mut load, &mut measure, ended);
    let settled = simulation.now() + SETTLE;
    load.run_until(&mut simulation, settled, &mut measure);
    load.stop();
    let timeout = ninefold_core::time::nanos(plan.setup.timeout);
    load.run_until(
        &mut simulation,
        settled.saturating_add(timeout),
        &mut measure,
    );
    let since = |request: &Request| {
        let began = request.began.checked_sub(struck)?;
        Some(Request { began, ..*request })
    };
    Seen {
        detect,
        convicted,
        isolated: isolated.map(|at| at - struck),
        watched: ended - struck,
        rejoined,
        wrongly: measure.false_convictions(),
        requests: load.ended().iter().filter_map(since).collect(),
        hash: simulation.hash(),
    }
}

/// When every healthy node knew of all of them; none where that never was, and where there are none.
fn all(measure: &Measure) -> Option<u64> {
    let all = measure.all();
    let complete = all.len() == measure.subjects() as usize;
    all.last().copied().filter(|_| complete)
}

/// Waits until everybody is back.
fn back(
    simulation: &mut Simulation,
    load: &mut Load,
    measure: &mut Measure,
    ended: u64,
) -> Option<u64> {
    loop {
        let now = simulation.now();
        if agree(simulation) && load.is_whole() {
            return Some(now - ended);
        }
        if now - ended >= REJOIN_MAX {
            return None;
        }
        load.run_until(simulation, now + LOOK, measure);
    }
}

/// Whether nobody who runs holds anybody for down.
fn agree(simulation: &Simulation) -> bool {
    let truth = simulation.truth();
    let content = |node| truth.down(node).is_none_or(|down| down.is_empty());
    truth.running().iter().all(content)
}

impl Fault {
    /// The nodes that it is done to, if it is done to whole ones.
    #[must_use]
    pub const fn nodes(&self) -> Option<&NodeSet> {
        match self {
            Self::Gone(nodes) | Self::CutOff { nodes, .. } => Some(nodes),
            Self::Slow(..) | Self::Failing(..) => None,
        }
    }

    fn step(&self) -> Option<Step> {
        Some(match self {
            Self::Gone(nodes) => Step::Crash(select(nodes)),
            Self::CutOff {
                nodes,
                one_way: false,
            } => {
                let nodes = select(nodes);
                Step::Partition(nodes.clone(), Select::Not(Box::new(nodes)))
            }
            Self::CutOff {
                nodes,
                one_way: true,
            } => {
                let nodes = select(nodes);
                Step::Link {
                    effect: Effect::Loss(1.0),
                    from: nodes.clone(),
                    to: Select::Not(Box::new(nodes)),
                    flapping: None,
                }
            }
            Self::Slow(..) | Self::Failing(..) => return None,
        })
    }

    fn end(&self) -> Step {
        match self {
            Self::Gone(nodes) => Step::Restart {
                nodes: select(nodes),
                blank: false,
            },
            _ => Step::Heal,
        }
    }

    fn trouble(&self) -> Trouble {
        match self {
            Self::Gone(nodes) | Self::CutOff { nodes, .. } => Trouble::Silent(nodes.clone()),
            Self::Slow(hit, delay) => Trouble::Slow(hit.clone(), *delay),
            Self::Failing(hit, share) => Trouble::Failing(hit.clone(), *share),
        }
    }
}

fn select(nodes: &NodeSet) -> Select {
    Select::AnyOf(
        nodes
            .iter()
            .map(|node| Select::Range(node.0, node.0))
            .collect(),
    )
}
