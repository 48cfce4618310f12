//! Over all claims, trials beside each other.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ninefold_cluster::placement::Placement;
use ninefold_config::model::Name;

use super::plan::Scene;
use super::{SimulateOptions, outcome};
use crate::report::{ClaimReport, Report, TrialReport};
use crate::verify::{Progress, VerifyError, chosen, replay_of};
use crate::{clock, fault, trial};

/// Tries every claim in virtual time and says what holds. It takes as many threads as there are cores.
///
/// # Errors
///
/// Wrong usage: no such claim, or a number out of range; nodes and zones that do not go together.
pub fn simulate(
    options: &SimulateOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, VerifyError> {
    let claims = chosen(&options.asked())?;
    let zones = options.file.cluster.zones.iter().map(Name::shared);
    let placement = Placement::new(options.nodes, zones)?;
    let began = clock::wall();
    let mut report = Report {
        claims: Vec::new(),
        seed: options.seed,
        file: options.file.path.display().to_string(),
        began,
        took: Duration::ZERO,
        refused: None,
        notes: vec![options.assumptions()],
    };
    for claim in &claims {
        progress(Progress::ClaimBegan {
            claim: claim.name.clone(),
            trials: options.trials,
        });
        let answer = match Scene::new(options, &placement, claim) {
            Ok(scene) => try_claim(options, &scene, progress),
            Err(why) => {
                let again = replay(options, &claim.name, options.trials, options.seed);
                ClaimReport::untested(claim, options.trials, why, again)
            }
        };
        progress(Progress::ClaimEnded {
            claim: claim.name.clone(),
            verdict: answer.verdict,
        });
        report.claims.push(answer);
    }
    report.took = clock::wall().since(began);
    Ok(report)
}

fn try_claim(
    options: &SimulateOptions,
    scene: &Scene,
    progress: &mut dyn FnMut(Progress),
) -> ClaimReport {
    let claim = &scene.claim;
    let seeds = fault::schedule(&scene.candidates, options.seed, options.trials);
    let trials = try_all(scene, &seeds, &mut |trial| {
        progress(Progress::TrialEnded {
            claim: claim.name.clone(),
            trial: trial.number,
            of: options.trials,
            verdict: trial.verdict,
            summary: trial::summary(trial),
        });
    });
    let asked = (options.trials, options.seed);
    let again = |trials, seed| replay(options, &claim.name, trials, seed);
    ClaimReport::tried(claim, asked, trials, again)
}

/// Each trial follows from its seed alone, so it does not matter which thread runs it.
fn try_all(scene: &Scene, seeds: &[u64], tell: &mut dyn FnMut(&TrialReport)) -> Vec<TrialReport> {
    let next = AtomicUsize::new(0);
    let (send, ended) = mpsc::channel();
    let mut trials: Vec<TrialReport> = thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        for _ in 0..cores.min(seeds.len()) {
            let (send, next) = (send.clone(), &next);
            scope.spawn(move || {
                while let Some((index, seed)) = {
                    let index = next.fetch_add(1, Relaxed);
                    seeds.get(index).map(|seed| (index, *seed))
                } {
                    if send.send(try_once(scene, index, seed)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        ended.into_iter().inspect(|trial| tell(trial)).collect()
    });
    trials.sort_by_key(|trial| trial.number);
    trials
}

fn try_once(scene: &Scene, index: usize, seed: u64) -> TrialReport {
    let targets = scene.candidates.targets(seed);
    let seen = ninefold_sim::service::run(&scene.plan(&targets, seed), seed);
    let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
    outcome::report(&scene.claim, targets, &seen, TrialReport::new(number, seed))
}

/// A command line that tries it again.
fn replay(options: &SimulateOptions, claim: &str, trials: u32, seed: u64) -> String {
    let more = vec![
        format!("--simulate --nodes {}", options.nodes),
        format!("--answer {}us", options.answer.as_micros()),
    ];
    replay_of(&options.asked(), claim, (trials, seed), more)
}
