//! Over all claims.

use std::collections::BTreeSet;
use std::fs::File;
use std::time::Duration;

use ninefold_config::model::Claim;
use rustix::fs::{FlockOperation, flock};

use super::choose::chosen;
use super::{Progress, VerifyError, VerifyOptions, replay};
use crate::ledger::{Entry, Ledger, Undo};
use crate::process::Process;
use crate::reaper::{self, Keeper};
use crate::report::{ClaimReport, Report, TrialReport};
use crate::trial::{self, Bench, Experiment, Pace, Watchdog};
use crate::{Node, System, clock, fault};

/// How long an `up` of ours may take to stop in order before it is killed.
const OWNED_UP_GRACE: Duration = Duration::from_secs(45);
/// How long the reaper may take to end when nothing is left to stop.
const REAPER_END: Duration = Duration::from_secs(15);

type Tell<'a> = &'a mut (dyn FnMut(Progress) + Send);

/// Tries every claim and says what holds. Whatever the end, and if the future is dropped, no
/// fault stays: what this function does not roll back itself, the reaper does.
///
/// A preflight that refuses is a [`Report`] too, with [`Report::refused`] and every claim UNTESTED.
///
/// # Errors
///
/// Wrong usage, or a ledger that cannot be used. Nothing was injected then.
pub async fn verify(
    options: &VerifyOptions,
    system: &impl System,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Report, VerifyError> {
    let alone = [Node { name: None, system }];
    verify_nodes(options, &alone, progress).await
}

/// [`verify`] on a cluster of nodes, each of which is named. The first is asked, and the load goes there, unless a
/// fault is done to it.
///
/// # Errors
///
/// As `verify`; and where there is no node.
pub async fn verify_nodes<S: System>(
    options: &VerifyOptions,
    nodes: &[Node<'_, S>],
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Report, VerifyError> {
    let entry = nodes.first().ok_or(VerifyError::NoNode)?;
    let claims = chosen(&options.asked())?;
    let began = clock::wall();
    let owner = Process::own().ok_or(VerifyError::NoProc)?;
    let ledger = Ledger::open(&VerifyOptions::ledger_folder(&options.state))?;
    let mut report = Report {
        claims: Vec::new(),
        seed: options.seed,
        file: options.file.path.display().to_string(),
        began,
        took: Duration::ZERO,
        refused: None,
        notes: Vec::new(),
    };
    let bench = Bench {
        options,
        nodes,
        entry,
        ledger,
        owner,
        run: format!("{:x}-{:x}", began.as_millis(), owner.pid),
    };
    let up = own_up(&bench)?;
    match admit(&bench, &mut report).await {
        Ok((mut watchdog, lock)) => {
            try_all(&bench, &mut watchdog, &claims, &mut report, progress).await;
            end_up(&bench, up, &mut report).await;
            if !watchdog.keeper.finish(REAPER_END).await {
                let note = "the reaper did not end in order; see the ledger";
                report.notes.push(note.to_owned());
            }
            drop(lock);
        }
        Err(reason) => {
            refuse(options, &claims, &mut report, reason);
            end_up(&bench, up, &mut report).await;
        }
    }
    report.took = clock::wall().since(began);
    Ok(report)
}

fn refuse(options: &VerifyOptions, claims: &[Claim], report: &mut Report, reason: String) {
    for claim in claims {
        let replay = replay::command(options, &claim.name, options.trials, options.seed);
        let why = format!("refused: {reason}");
        report
            .claims
            .push(ClaimReport::untested(claim, options.trials, why, replay));
    }
    report.refused = Some(reason);
}

/// Notes in the ledger that an `up` ends with this run; the id of the entry.
fn own_up<S: System>(bench: &Bench<'_, S>) -> Result<Option<String>, VerifyError> {
    let Some(process) = bench.options.owned_up else {
        return Ok(None);
    };
    let id = format!("up-{}", bench.run);
    let mut entry = Entry::new(id.clone(), "owned-up".to_owned(), bench.owner);
    entry.undo = vec![Undo::Stop {
        process,
        grace_ns: ninefold_core::time::nanos(OWNED_UP_GRACE),
    }];
    bench.ledger.plan(&entry)?;
    Ok(Some(id))
}

/// Stops an `up` of ours in order; on a thread of its own, because it may take its grace.
async fn end_up<S: System>(bench: &Bench<'_, S>, up: Option<String>, report: &mut Report) {
    let Some(id) = up else {
        return;
    };
    let ledger = bench.ledger.clone();
    let undo = tokio::task::spawn_blocking(move || ledger.undo(&id, "verify"));
    match undo.await {
        Ok(Ok(done)) if done.complete => {}
        Ok(Ok(done)) => report.notes.push(done.what.join("; ")),
        Ok(Err(error)) => report.notes.push(error.to_string()),
        Err(error) => report.notes.push(error.to_string()),
    }
}

/// The preflight of the run; the error says why nothing is tried. The file is the lock.
async fn admit<S: System>(
    bench: &Bench<'_, S>,
    report: &mut Report,
) -> Result<(Watchdog, File), String> {
    let options = bench.options;
    if !options.file.chaos.enabled {
        return Err("chaos.enabled is false".to_owned());
    }
    let lock = lock(options)?;
    recover(bench, report).await?;
    let keeper = Keeper::start(&options.reaper, bench.ledger.folder())
        .await
        .map_err(|error| error.to_string())?;
    let mut watchdog = Watchdog {
        keeper,
        nodes: options.owned_up.into_iter().collect(),
        stop: options.stop.clone(),
        pace: Pace::default(),
    };
    let fit = trial::fit(bench, options.patience, None);
    let fit = watchdog.guard(fit).await;
    match fit.and_then(|fit| fit) {
        Ok(status) => {
            // Faults need its processes at hand, so its own is at hand too.
            watchdog.nodes.extend(Process::find(status.pid));
            for node in bench.nodes.iter().filter(|node| node.name.is_some()) {
                let process = watchdog.guard(trial::process_of(node)).await;
                let process = process.and_then(|process| process);
                watchdog
                    .nodes
                    .push(process.map_err(|setback| setback.to_string())?);
            }
            Ok((watchdog, lock))
        }
        Err(setback) => Err(setback.to_string()),
    }
}

/// One `verify` at a time: the lock ends with this process.
fn lock(options: &VerifyOptions) -> Result<File, String> {
    let path = options.state.join("chaos").join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| format!("{} cannot be opened: {error}", path.display()))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err("another verify runs".to_owned()),
        Err(error) => Err(format!("{} cannot be locked: {error}", path.display())),
    }
}

/// Undoes and ends what a dead controller left.
async fn recover<S: System>(bench: &Bench<'_, S>, report: &mut Report) -> Result<(), String> {
    let folder = bench.ledger.folder().to_owned();
    // It may wait for an `up` to stop.
    let recovered = tokio::task::spawn_blocking(move || reaper::recover(&folder)).await;
    let recovered = recovered
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())?;
    for path in &recovered.damaged {
        let note = format!("damaged ledger file set aside: {}", path.display());
        report.notes.push(note);
    }
    if let Some((id, why)) = recovered.stuck.first() {
        return Err(format!(
            "fault {id} of an earlier run cannot be undone: {}",
            why.join("; ")
        ));
    }
    for (id, what) in &recovered.undone {
        let what = match &what[..] {
            [] => "nothing of it was left".to_owned(),
            what => what.join("; "),
        };
        let note = format!("fault {id} of an earlier run was undone: {what}");
        report.notes.push(note);
    }
    // With the lock held no other experiment is under way: what has not ended has no controller.
    let mut left = BTreeSet::new();
    for node in bench.nodes {
        if let Ok(status) = node.status().await {
            left.extend(status.faults.into_iter().map(|fault| fault.id));
        }
    }
    for id in &left {
        if let Err(error) = bench.end_fault(id, "undone after a crash").await {
            return Err(format!("fault {id} cannot be ended: {error}"));
        }
    }
    Ok(())
}

async fn try_all<S: System>(
    bench: &Bench<'_, S>,
    watchdog: &mut Watchdog,
    claims: &[Claim],
    report: &mut Report,
    tell: Tell<'_>,
) {
    let mut cut: Option<String> = None;
    for (index, claim) in claims.iter().enumerate() {
        if cut.is_none()
            && let Err(setback) = watchdog.check()
        {
            cut = Some(setback.to_string());
        }
        let answer = match &cut {
            Some(why) => untested(bench.options, claim, why.clone()),
            None => {
                let run = format!("{}-{index}", bench.run);
                let (answer, residue) = try_one(bench, watchdog, claim, &run, &mut *tell).await;
                if residue {
                    cut = Some("an earlier trial left a residue".to_owned());
                }
                answer
            }
        };
        tell(Progress::ClaimEnded {
            claim: answer.name.clone(),
            verdict: answer.verdict,
        });
        report.claims.push(answer);
    }
}

fn untested(options: &VerifyOptions, claim: &Claim, why: String) -> ClaimReport {
    let replay = replay::command(options, &claim.name, options.trials, options.seed);
    ClaimReport::untested(claim, options.trials, why, replay)
}

/// The answer to one claim, and whether a residue was left.
async fn try_one<S: System>(
    bench: &Bench<'_, S>,
    watchdog: &mut Watchdog,
    claim: &Claim,
    run: &str,
    tell: Tell<'_>,
) -> (ClaimReport, bool) {
    let options = bench.options;
    tell(Progress::ClaimBegan {
        claim: claim.name.clone(),
        trials: options.trials,
    });
    let experiment = match bench.status().await {
        Ok(status) => Experiment::new(bench, &status, claim, run),
        Err(error) => Err(format!("the system did not answer: {error}")),
    };
    let experiment = match experiment {
        Ok(experiment) => experiment,
        Err(why) => return (untested(options, claim, why), false),
    };
    let seeds = fault::schedule(&experiment.candidates, options.seed, options.trials);
    let mut trials = Vec::new();
    let mut residue = false;
    for (seed, number) in seeds.into_iter().zip(1u32..) {
        if residue || watchdog.check().is_err() {
            break;
        }
        let blank = TrialReport::new(number, seed);
        let trial;
        (trial, residue) = try_once(bench, watchdog, &experiment, blank, &mut *tell).await;
        trials.push(trial);
    }
    let again = |trials, seed| replay::command(options, &claim.name, trials, seed);
    let asked = (options.trials, options.seed);
    let answer = ClaimReport::tried(&experiment.claim, asked, trials, again);
    (answer, residue)
}

async fn try_once<S: System>(
    bench: &Bench<'_, S>,
    watchdog: &mut Watchdog,
    experiment: &Experiment,
    blank: TrialReport,
    tell: Tell<'_>,
) -> (TrialReport, bool) {
    let claim = experiment.claim.name.clone();
    let (number, of) = (blank.number, bench.options.trials);
    let mut say = |phase, detail| {
        tell(Progress::Phase {
            claim: claim.clone(),
            trial: number,
            of,
            phase,
            detail,
        });
    };
    let (trial, residue) = trial::run(bench, watchdog, experiment, blank, &mut say).await;
    tell(Progress::TrialEnded {
        claim,
        trial: number,
        of,
        verdict: trial.verdict,
        summary: trial::summary(&trial),
    });
    (trial, residue)
}
