//! The life of a trial, from preflight to account.

use std::time::{Duration, Instant};

use ninefold_core::event::FaultNotice;
use ninefold_core::status::{NodeStatus, RouteStatus};
use ninefold_core::time::{Timestamp, nanos};

use super::bench::Bench;
use super::experiment::Experiment;
use super::judge::{Seen, judge};
use super::watchdog::{Setback, Watchdog};
use super::{steps, view};
use crate::fault::{FaultKind, Target, inject, prove};
use crate::ledger::{Entry, Undo, VERIFY};
use crate::load::{self, Load, Plan, Record};
use crate::process::Process;
use crate::report::{Requests, TrialReport};
use crate::verify::Phase;
use crate::{System, Verdict, clock};

/// Load behind the recovery, before anything is rolled back.
const SETTLE: Duration = Duration::from_secs(1);

/// Tells a phase and its detail.
pub(crate) type Say<'a> = dyn FnMut(Phase, String) + Send + 'a;

/// A system in its steady state, and whom the fault will hit.
struct Ready {
    before: NodeStatus,
    targets: Vec<Target>,
    load: Option<(Load, Plan)>,
}

/// What was measured while the fault lasted.
#[derive(Default)]
struct Exposure {
    injected: Timestamp,
    /// The window of requests that count, since the load began.
    from: Duration,
    to: Duration,
    recovered: Option<Timestamp>,
    after: Option<NodeStatus>,
}

/// Runs one trial. Whatever happens, what was injected is rolled back and ended when this returns.
/// The second value: whether a residue was left, so that nothing more may be injected.
pub(crate) async fn run<S: System>(
    bench: &Bench<'_, S>,
    watchdog: &mut Watchdog,
    experiment: &Experiment,
    mut report: TrialReport,
    say: &mut Say<'_>,
) -> (TrialReport, bool) {
    match prepare(bench, watchdog, experiment, &mut report, say).await {
        Ok(ready) => {
            let clean =
                expose_and_clear(bench, watchdog, experiment, ready, &mut report, say).await;
            (report, !clean)
        }
        Err(setback) => {
            report.verdict = Verdict::Inconclusive;
            report.reasons.push(setback.to_string());
            (report, false)
        }
    }
}

/// Preflight and steady state. Nothing is injected yet.
async fn prepare<S: System>(
    bench: &Bench<'_, S>,
    watchdog: &mut Watchdog,
    experiment: &Experiment,
    report: &mut TrialReport,
    say: &mut Say<'_>,
) -> Result<Ready, Setback> {
    say(Phase::Preflight, String::new());
    watchdog.check()?;
    let patience = bench.options.patience;
    let chosen = experiment.candidates.targets(report.seed);
    report.targets.clone_from(&chosen);
    let pace = std::mem::take(&mut watchdog.pace);
    let paced = watchdog.guard(steps::paced(&bench.options.file, &pace, &chosen));
    let paced = paced.await;
    watchdog.pace = pace;
    paced?;
    let elsewhere = experiment.elsewhere.as_deref();
    let fit = steps::fit(bench, patience, elsewhere);
    let status = watchdog.guard(fit).await??;
    let targets = view::targets(&status, &chosen, elsewhere).map_err(Setback::Because)?;
    let load = match &experiment.plan {
        None => None,
        Some(plan) => {
            let plan = plan.for_trial(report.number);
            watchdog.guard(steps::reachable(&plan)).await??;
            say(Phase::SteadyState, format!("{} requests/s", plan.rate_hz()));
            let load = Load::start(plan.clone());
            watchdog.guard(steps::steady(&load, &plan)).await??;
            Some((load, plan))
        }
    };
    let before = watchdog.guard(bench.status()).await??;
    let now = view::targets(&before, &chosen, elsewhere).map_err(Setback::Because)?;
    if now != targets {
        return Err(Setback::Because(
            "a target was restarted, or replaced, during the steady state".to_owned(),
        ));
    }
    Ok(Ready {
        before,
        targets,
        load,
    })
}

/// From the announcement to the account. `false` if a residue was left.
async fn expose_and_clear<S: System>(
    bench: &Bench<'_, S>,
    watchdog: &mut Watchdog,
    experiment: &Experiment,
    ready: Ready,
    report: &mut TrialReport,
    say: &mut Say<'_>,
) -> bool {
    report.fault = format!("f-{}-{}", experiment.run, report.number);
    let undo = undo(experiment.kind, &ready.targets);
    let mut exposure = Exposure::default();
    let exposed = match write_ahead(bench, watchdog, experiment, report, &undo, say).await {
        Ok(()) => {
            expose(
                bench,
                watchdog,
                experiment,
                &ready,
                report,
                &mut exposure,
                say,
            )
            .await
        }
        Err(setback) => Err(setback),
    };
    // From here on nothing is cut short: a fault that may be there is undone first.
    say(Phase::Rollback, String::new());
    roll_back(bench, report, exposure.injected != Timestamp::ZERO).await;
    say(Phase::Residue, String::new());
    let recovered = exposure.recovered.is_some();
    let stoppable = stoppable(&undo);
    let residue = steps::residue(bench, &report.fault, &ready.before, &stoppable, recovered).await;

    say(Phase::Account, String::new());
    let (records, plan) = match ready.load {
        Some((load, plan)) => (load.finish().await, Some(plan)),
        None => (Vec::new(), None),
    };
    match exposed {
        Ok(()) => {
            figures(experiment, &ready.before, &exposure, &records, report);
            account(
                bench,
                experiment,
                &exposure,
                plan.as_ref(),
                &records,
                report,
            )
            .await;
            let (verdict, reasons) = judge(
                &experiment.claim,
                &Seen {
                    turned_away: experiment.kind.in_gateway().is_some(),
                    recover: report.recover,
                    watched: experiment.watch,
                    requests: report.requests,
                    saturated: load::saturated(&records, exposure.from, exposure.to),
                    live: plan.is_none(),
                    lost: report.lost.as_ref(),
                    residue: &residue,
                },
            );
            report.verdict = verdict;
            report.reasons = reasons;
        }
        Err(setback) => {
            report.verdict = Verdict::Inconclusive;
            report.reasons.push(setback.to_string());
            let left = residue.iter().map(|left| format!("residue: {left}"));
            report.reasons.extend(left);
        }
    }
    residue.is_empty()
}

/// The journal and the ledger know of the fault when this returns, and both are on disk.
async fn write_ahead<S: System>(
    bench: &Bench<'_, S>,
    watchdog: &mut Watchdog,
    experiment: &Experiment,
    report: &TrialReport,
    undo: &[Undo],
    say: &mut Say<'_>,
) -> Result<(), Setback> {
    let kind = experiment.kind.name().to_owned();
    say(
        Phase::Announce,
        format!("{} of {}: {kind}", report.fault, report.on_whom()),
    );
    // What the gateway injects begins by its announcement: that comes behind the ledger's entry.
    if experiment.kind.in_gateway().is_none() {
        announce(bench, watchdog, experiment, report).await?;
    }
    say(Phase::Ledger, String::new());
    let mut entry = Entry::new(report.fault.clone(), kind, bench.owner);
    entry.targets.clone_from(&report.targets);
    entry.claim = Some(experiment.claim.name.clone());
    entry.undo = undo.to_vec();
    entry.expires_in(experiment.ttl);
    bench.ledger.plan(&entry)?;
    watchdog.check()
}

/// It is durably in the journal when this returns, and a fault that the gateway injects has begun.
async fn announce<S: System>(
    bench: &Bench<'_, S>,
    watchdog: &mut Watchdog,
    experiment: &Experiment,
    report: &TrialReport,
) -> Result<(), Setback> {
    let notice = FaultNotice {
        id: report.fault.clone(),
        kind: experiment.kind.name().to_owned(),
        targets: report.targets.clone(),
        claim: Some(experiment.claim.name.clone()),
        ttl_ns: nanos(experiment.ttl),
        gateway: experiment.kind.in_gateway(),
    };
    Ok(watchdog.guard(bench.announce(&notice)).await??)
}

/// Fault, proof, recovery, settling.
async fn expose<S: System>(
    bench: &Bench<'_, S>,
    watchdog: &mut Watchdog,
    experiment: &Experiment,
    ready: &Ready,
    report: &mut TrialReport,
    exposure: &mut Exposure,
    say: &mut Say<'_>,
) -> Result<(), Setback> {
    let elapsed = || ready.load.as_ref().map(|(load, _)| load.elapsed());
    let kind = experiment.kind;
    say(Phase::Fault, report.on_whom());
    exposure.from = elapsed().unwrap_or_default();
    exposure.injected = clock::wall();
    report.injected = Some(exposure.injected);
    let watch = crate::report::in_words(experiment.watch);
    let Ready {
        before, targets, ..
    } = ready;
    if kind.in_gateway().is_some() {
        announce(bench, watchdog, experiment, report).await?;
        bench.ledger.applied(&report.fault)?;
        say(Phase::Proof, String::new());
        let first = watchdog
            .guard(steps::struck(bench, experiment, before))
            .await??;
        say(Phase::Recovery, format!("at most {watch}"));
        let left = steps::turned_away(bench, experiment, first, before, targets);
        exposure.recovered = watchdog.guard(left).await??;
    } else {
        watchdog.pace.hit(&report.targets, Instant::now());
        inject(kind, targets).map_err(Setback::Because)?;
        bench.ledger.applied(&report.fault)?;
        say(Phase::Proof, String::new());
        let proof = prove(kind, targets);
        watchdog.guard(proof).await?.map_err(Setback::Because)?;
        say(Phase::Recovery, format!("at most {watch}"));
        let (fault, injected) = (&report.fault, exposure.injected);
        let recovery = steps::recovery(bench, experiment, fault, injected, before, targets);
        exposure.recovered = watchdog.guard(recovery).await?;
    }
    if exposure.recovered.is_some() {
        say(Phase::Settle, String::new());
        watchdog.guard(tokio::time::sleep(SETTLE)).await?;
    }
    exposure.to = elapsed().unwrap_or_default();
    exposure.after = Some(watchdog.guard(bench.status()).await??);
    Ok(())
}

/// Undoes the fault and ends it in the journal. What fails here shows as residue, and the reaper
/// tries again.
async fn roll_back<S: System>(bench: &Bench<'_, S>, report: &mut TrialReport, applied: bool) {
    match bench.ledger.undo(&report.fault, VERIFY) {
        Ok(done) => report.notes.extend(done.what),
        Err(crate::ledger::LedgerError::Missing(_)) if !applied => {}
        Err(error) => report.notes.push(error.to_string()),
    }
    let how = if applied {
        "rolled back"
    } else {
        "not applied"
    };
    if let Err(error) = bench.end_fault(&report.fault, how).await {
        report
            .notes
            .push(format!("the end of the fault was not recorded: {error}"));
    }
}

fn undo(kind: FaultKind, targets: &[Target]) -> Vec<Undo> {
    let each = targets.iter().filter_map(|target| target.undo(kind));
    each.collect()
}

fn stoppable(undo: &[Undo]) -> Vec<Process> {
    let members = undo.iter().filter_map(|step| match step {
        Undo::Resume { members, .. } => Some(members.as_slice()),
        Undo::Stop { .. } => None,
    });
    members.flatten().copied().collect()
}

/// Requests and times, from the records or from the gateway's totals.
fn figures(
    experiment: &Experiment,
    before: &NodeStatus,
    exposure: &Exposure,
    records: &[Record],
    report: &mut TrialReport,
) {
    let route = |status: &NodeStatus| view::route(status, &experiment.route);
    let was = route(before);
    let is = exposure.after.as_ref().map_or_else(|| was.clone(), route);
    let delta = |pick: fn(&RouteStatus) -> u64| pick(&is).saturating_sub(pick(&was));
    let masked = delta(|route| route.masked);
    let struck = |status| view::passed(status, Timestamp::ZERO, &experiment.leads_there).struck;
    let after = exposure.after.as_ref().unwrap_or(before);
    let hit = struck(after).saturating_sub(struck(before));
    report.requests = if experiment.plan.is_some() {
        let window = load::within(records, exposure.from, exposure.to);
        report.latency = load::latency(window.clone());
        let counts = load::count(window);
        Requests {
            sent: counts.sent,
            acked: counts.acked,
            failed: counts.failed,
            unknown: counts.unknown,
            masked,
            hit,
        }
    } else {
        Requests {
            // What is malformed fails by its own fault; what a client gave up is unknown.
            sent: delta(|route| route.requests).saturating_sub(delta(|route| route.refused)),
            acked: delta(|route| route.ok),
            failed: delta(|route| route.failed),
            unknown: delta(|route| route.cancelled),
            masked,
            hit,
        }
    };
    report.recover = exposure.recovered.map(|at| at.since(exposure.injected));
}

/// Detection, and reading back.
async fn account<S: System>(
    bench: &Bench<'_, S>,
    experiment: &Experiment,
    exposure: &Exposure,
    plan: Option<&Plan>,
    records: &[Record],
    report: &mut TrialReport,
) {
    match steps::detection(bench, &report.fault).await {
        Some((detected, class)) => {
            report.detect = Some(detected.since(exposure.injected));
            report.class = Some(class);
        }
        None => report
            .notes
            .push("no incident was attributed to the fault".to_owned()),
    }
    if let (Some(_), Some(plan), Some(check)) =
        (experiment.claim.lose, plan, &experiment.claim.load.check)
    {
        report.lost = Some(load::read_back(plan, check, records).await);
    }
}
