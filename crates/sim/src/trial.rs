//! A scenario under invariants.

use std::fmt;
use std::process::Command;

use crate::Topology;
use crate::invariant::Invariant;
use crate::scenario::Scenario;
use crate::simulation::{Build, Said, Simulation, Watch};
use crate::truth::Truth;

/// A broken invariant, with what replays it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which invariant.
    pub invariant: &'static str,
    /// What was seen.
    pub why: String,
    /// When, in ns from the start.
    pub at: u64,
    /// The last step before it, or what came instead.
    pub step: String,
    /// The seed.
    pub seed: u64,
    /// The commit that was run.
    pub revision: String,
    /// Of all that had happened.
    pub hash: u64,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}, at {} ns after {}; replay with seed {} at revision {} (history {:016x})",
            self.invariant, self.why, self.at, self.step, self.seed, self.revision, self.hash
        )
    }
}

impl std::error::Error for Failure {}

/// Which invariant, what was seen, and when.
type Broken = (&'static str, String, u64);

/// Feeds the invariants, and keeps the first that breaks.
struct Checks<'a> {
    invariants: &'a mut [Box<dyn Invariant>],
    broken: Option<Broken>,
}

impl Watch for Checks<'_> {
    fn said(&mut self, said: Said, truth: &Truth) {
        if self.broken.is_some() {
            return;
        }
        for invariant in &mut *self.invariants {
            if let Err(why) = invariant.said(said, truth) {
                self.broken = Some((invariant.name(), why, said.at));
                return;
            }
        }
    }
}

/// Runs the safety phase and the healing phase of a scenario; gives the hash of the whole history.
///
/// # Errors
/// The first invariant that broke.
pub fn run(
    scenario: &Scenario,
    topology: Topology,
    seed: u64,
    build: Box<Build>,
    invariants: &mut [Box<dyn Invariant>],
) -> Result<u64, Failure> {
    let mut simulation = Simulation::new(topology, seed, build);
    let mut checks = Checks {
        invariants,
        broken: None,
    };
    scenario.run_safety(
        &mut simulation,
        &mut checks,
        |number, checks, simulation| {
            let broken = checks.broken.take();
            let broken = broken.or_else(|| passed(checks.invariants, simulation));
            broken.map_or(Ok(()), |broken| {
                let before = number
                    .checked_sub(1)
                    .and_then(|step| scenario.steps.get(step));
                let step = before.map_or_else(
                    || "the start".to_owned(),
                    |(_, step)| format!("step {number}, `{step}`"),
                );
                Err(failure(broken, step, simulation))
            })
        },
    )?;
    let invariants = checks.invariants;
    for invariant in &mut *invariants {
        let checked = invariant.safe(&simulation);
        ended(invariant.as_ref(), checked, "the safety phase", &simulation)?;
    }
    scenario.run_healing(&mut simulation, &mut (), |simulation| {
        let broken = passed(invariants, simulation);
        broken.map_or(Ok(()), |broken| {
            Err(failure(broken, "healing".to_owned(), simulation))
        })
    })?;
    for invariant in invariants {
        let checked = invariant.healed(&simulation);
        ended(invariant.as_ref(), checked, "healing", &simulation)?;
    }
    Ok(simulation.hash())
}

/// The first that is broken after some time.
fn passed(invariants: &mut [Box<dyn Invariant>], simulation: &Simulation) -> Option<Broken> {
    let check = |invariant: &mut Box<dyn Invariant>| {
        let why = invariant.passed(simulation).err()?;
        Some((invariant.name(), why, simulation.now()))
    };
    invariants.iter_mut().find_map(check)
}

fn ended(
    invariant: &dyn Invariant,
    checked: Result<(), String>,
    phase: &str,
    simulation: &Simulation,
) -> Result<(), Failure> {
    checked.map_err(|why| {
        let broken = (invariant.name(), why, simulation.now());
        failure(broken, phase.to_owned(), simulation)
    })
}

fn failure((invariant, why, at): Broken, step: String, simulation: &Simulation) -> Failure {
    Failure {
        invariant,
        why,
        at,
        step,
        seed: simulation.seed,
        revision: revision(),
        hash: simulation.hash(),
    }
}

/// The commit of the tree, as far as git is there to tell.
fn revision() -> String {
    let told = Command::new("git")
        .args(["describe", "--always", "--dirty"])
        .output();
    let told = told.ok().filter(|told| told.status.success());
    let told = told.and_then(|told| String::from_utf8(told.stdout).ok());
    told.map_or_else(|| "unknown".to_owned(), |told| told.trim().to_owned())
}
