//! The life of a trial, from preflight to account.

use std::time::Duration;

use ninefold_core::event::FaultNotice;
use ninefold_core::status::{NodeStatus, RouteStatus};
use ninefold_core::time::{Timestamp, nanos};

use super::bench::Bench;
use super::experiment::Experiment;
use super::judge::{Seen, WrongAnswers, judge};
use super::nodes::{self, Journals, NodesSeen};
use super::watchdog::{Setback, Watchdog};
use super::{experiment, expose, steps, view};
use crate::fault::{FaultKind, NodeTarget, Target, table_of};
use crate::ledger::{Entry, Undo, VERIFY};
use crate::load::{self, Load, Plan, Record, References};
use crate::process::Process;
use crate::report::{Requests, TrialReport};
use crate::verify::Phase;
use crate::{System, Verdict};

/// Tells a phase and its detail.
pub(crate) type Say<'a> = dyn FnMut(Phase, String) + Send + 'a;

/// A system in its steady state, and whom the fault will hit.
pub(super) struct Ready<'a, S> {
    pub(super) before: NodeStatus,
    pub(super) targets: Vec<Target>,
    pub(super) nodes: Vec<NodeTarget>,
    /// Of a fault of nodes.
    pub(super) journals: Option<Journals<'a, S>>,
    pub(super) load: Option<(Load, Plan)>,
    /// What its requests are answered, where that is compared.
    pub(super) references: Option<References>,
}

/// What was measured while the fault lasted.
#[derive(Default)]
pub(super) struct Exposure {
    pub(super) injected: Timestamp,
    /// The window of requests that count, since the load began.
    pub(super) from: Duration,
    pub(super) to: Duration,
    pub(super) recovered: Option<Timestamp>,
    pub(super) after: Option<NodeStatus>,
    pub(super) nodes: NodesSeen,
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
    let chosen = experiment.candidates.targets(report.seed);
    report.targets = chosen.instances;
    report.nodes = chosen.nodes;
    let setback = match bench.beside(&report.nodes) {
        Some(bench) => match prepare(&bench, watchdog, experiment, &report, say).await {
            Ok(ready) => {
                let clean =
                    expose_and_clear(&bench, watchdog, experiment, ready, &mut report, say).await;
                return (report, !clean);
            }
            Err(setback) => setback,
        },
        None => Setback::Because("no node is left that could say what happened".to_owned()),
    };
    report.verdict = Verdict::Inconclusive;
    report.reasons.push(setback.to_string());
    (report, false)
}

/// Preflight and steady state. Nothing is injected yet.
async fn prepare<'a, S: System>(
    bench: &Bench<'a, S>,
    watchdog: &mut Watchdog,
    experiment: &Experiment,
    report: &TrialReport,
    say: &mut Say<'_>,
) -> Result<Ready<'a, S>, Setback> {
    say(Phase::Preflight, String::new());
    watchdog.check()?;
    let pace = std::mem::take(&mut watchdog.pace);
    let chosen = (&report.targets[..], &report.nodes[..]);
    let paced = watchdog.guard(steps::paced(&bench.options.file, &pace, chosen));
    let paced = paced.await;
    watchdog.pace = pace;
    paced?;
    let elsewhere = experiment.elsewhere.as_deref();
    let fit = steps::fit(bench, bench.options.patience, elsewhere);
    let status = watchdog.guard(fit).await??;
    let who = async |status: &NodeStatus| {
        let targets = view::targets(status, &report.targets, elsewhere);
        let targets = targets.map_err(Setback::Because)?;
        Ok::<_, Setback>((targets, nodes::targets(bench, &report.nodes).await?))
    };
    let chosen = watchdog.guard(who(&status)).await??;
    if !bench.names().is_empty() {
        let spared = nodes::spared(bench, &report.nodes);
        watchdog.nodes = watchdog.guard(spared).await??;
    }
    let load = match &experiment.plan {
        None => None,
        Some(plan) => {
            let to = experiment::address(&bench.options.file, &status, &experiment.route);
            let plan = plan.for_trial(report.number);
            let plan = plan.to(to.map_err(Setback::Because)?);
            watchdog.guard(steps::reachable(&plan)).await??;
            say(Phase::SteadyState, format!("{} requests/s", plan.rate_hz()));
            let load = Load::start(plan.clone());
            watchdog.guard(steps::steady(&load, &plan)).await??;
            Some((load, plan))
        }
    };
    let references = match (&load, experiment.kind) {
        (Some((load, plan)), FaultKind::WrongAnswers) => {
            let references = References::of(plan, &load.records());
            Some(references.map_err(Setback::Because)?)
        }
        _ => None,
    };
    let journals = match report.nodes.is_empty() {
        true => None,
        false => {
            let begin = Journals::begin(bench, &report.nodes);
            Some(watchdog.guard(begin).await??)
        }
    };
    let before = watchdog.guard(bench.status()).await??;
    if watchdog.guard(who(&before)).await?? != chosen {
        return Err(Setback::Because(
            "a target was restarted, or replaced, during the steady state".to_owned(),
        ));
    }
    let (targets, nodes) = chosen;
    Ok(Ready {
        before,
        targets,
        nodes,
        journals,
        load,
        references,
    })
}

fn inconclusive(report: &mut TrialReport, setback: &Setback, residue: &[String]) {
    report.verdict = Verdict::Inconclusive;
    report.reasons.push(setback.to_string());
    let left = residue.iter().map(|left| format!("residue: {left}"));
    report.reasons.extend(left);
}

/// From the announcement to the account. `false` if a residue was left.
async fn expose_and_clear<S: System>(
    bench: &Bench<'_, S>,
    watchdog: &mut Watchdog,
    experiment: &Experiment,
    mut ready: Ready<'_, S>,
    report: &mut TrialReport,
    say: &mut Say<'_>,
) -> bool {
    report.fault = format!("f-{}-{}", experiment.run, report.number);
    let undo = undo(experiment.kind, &report.fault, &ready.targets);
    let mut exposure = Exposure::default();
    let exposed = match write_ahead(
        bench,
        watchdog,
        experiment,
        &ready.before,
        report,
        &undo,
        say,
    )
    .await
    {
        Ok(()) => {
            let (ready, exposure) = (&mut ready, &mut exposure);
            expose::expose(bench, watchdog, experiment, ready, report, exposure, say).await
        }
        Err(setback) => Err(setback),
    };
    // From here on nothing is cut short: a fault that may be there is undone first.
    say(Phase::Rollback, String::new());
    roll_back(bench, report, exposure.injected).await;
    say(Phase::Residue, String::new());
    let recovered = exposure.recovered.is_some();
    let stoppable = stoppable(&undo);
    let residue = steps::residue(bench, &report.fault, &ready.before, &stoppable, recovered).await;

    say(Phase::Account, String::new());
    let (mut records, plan) = match ready.load {
        Some((load, plan)) => (load.finish().await, Some(plan)),
        None => (Vec::new(), None),
    };
    if let (Some(references), Some(plan)) = (&ready.references, &plan) {
        references.mark(plan, &mut records);
    }
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
                    turned_away: experiment.kind.lasts(),
                    recover: report.recover,
                    watched: experiment.watch,
                    requests: report.requests,
                    saturated: load::saturated(&records, exposure.from, exposure.to),
                    live: plan.is_none(),
                    lost: report.lost.as_ref(),
                    residue: &residue,
                    stayed_away: stayed_away(experiment, &exposure),
                    answers: answers(experiment, &exposure, &records, report),
                },
            );
            report.verdict = verdict;
            report.reasons = reasons;
        }
        Err(setback) => inconclusive(report, &setback, &residue),
    }
    residue.is_empty()
}

/// The journal and the ledger know of the fault when this returns, and both are on disk.
async fn write_ahead<S: System>(
    bench: &Bench<'_, S>,
    watchdog: &mut Watchdog,
    experiment: &Experiment,
    before: &NodeStatus,
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
        announce(bench, watchdog, experiment, before, report).await?;
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

/// It is durably in the journals of all nodes when this returns, and a fault that gateways inject has begun.
pub(super) async fn announce<S: System>(
    bench: &Bench<'_, S>,
    watchdog: &mut Watchdog,
    experiment: &Experiment,
    before: &NodeStatus,
    report: &TrialReport,
) -> Result<(), Setback> {
    let kind = experiment.kind;
    let notice = |node: Option<&str>| {
        let cut_off = node.is_some_and(|name| report.nodes.iter().any(|one| one == name));
        let targets = match kind {
            // To those that are cut off, the others are away.
            FaultKind::Partition { .. } if cut_off => view::elsewhere_than(before, &report.nodes),
            _ => report.targets.clone(),
        };
        FaultNotice {
            id: report.fault.clone(),
            kind: kind.name().to_owned(),
            targets,
            nodes: report.nodes.clone(),
            claim: Some(experiment.claim.name.clone()),
            ttl_ns: nanos(experiment.ttl),
            gateway: kind.in_gateway(),
        }
    };
    Ok(watchdog.guard(bench.announce(notice)).await??)
}

/// Undoes the fault and ends it in the journal. What fails here shows as residue, and the reaper
/// tries again.
async fn roll_back<S: System>(bench: &Bench<'_, S>, report: &mut TrialReport, injected: Timestamp) {
    let applied = injected != Timestamp::ZERO;
    report.injected = applied.then_some(injected);
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

fn undo(kind: FaultKind, fault: &str, targets: &[Target]) -> Vec<Undo> {
    if let FaultKind::Partition { .. } = kind {
        return vec![Undo::Table {
            table: table_of(fault),
        }];
    }
    let each = targets.iter().filter_map(|target| target.undo(kind));
    each.collect()
}

fn stoppable(undo: &[Undo]) -> Vec<Process> {
    let members = undo.iter().filter_map(|step| match step {
        Undo::Resume { members, .. } => Some(members.as_slice()),
        Undo::Table { .. } | Undo::Stop { .. } => None,
    });
    members.flatten().copied().collect()
}

/// No request of a caller was hit by a fault in the gateway, and the trial went on.
const FOUND_OUT: &str = "no caller met the fault: its target was found out before, by a canary, a vote or copies of requests";

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
    if hit == 0 && experiment.kind.in_gateway().is_some() {
        report.notes.push(FOUND_OUT.to_owned());
    }
    report.requests = if experiment.plan.is_some() {
        let window = load::within(records, exposure.from, exposure.to);
        report.latency = load::latency(window.clone());
        let counts = load::count(window);
        Requests {
            sent: counts.sent,
            acked: counts.acked,
            failed: counts.failed,
            wrong: counts.wrong,
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
            wrong: 0,
            unknown: delta(|route| route.cancelled),
            masked,
            hit,
        }
    };
    let since = |at: Option<Timestamp>| at.map(|at| at.since(exposure.injected));
    report.recover = since(exposure.recovered);
    report.away.convicted = since(exposure.nodes.convicted);
    report.away.isolated = since(exposure.nodes.isolated);
    report.away.rejoined = exposure.nodes.rejoined;
    if let (Some(isolated), Some(_)) = (report.away.isolated, &experiment.plan) {
        let after = load::within(records, exposure.from + isolated, exposure.to);
        report.away.failed_after = Some(load::count(after).failed);
    }
}

/// What became of wrong answers, where the fault made them.
fn answers(
    experiment: &Experiment,
    exposure: &Exposure,
    records: &[Record],
    report: &TrialReport,
) -> Option<WrongAnswers> {
    let after = report.away.isolated.map(|isolated| {
        let after = load::within(records, exposure.from + isolated, exposure.to);
        load::count(after).wrong
    });
    (experiment.kind == FaultKind::WrongAnswers).then_some(WrongAnswers {
        class: report.class,
        after: after.unwrap_or(0),
    })
}

/// How long nodes that were cut off were waited for, if they did not come back.
fn stayed_away(experiment: &Experiment, exposure: &Exposure) -> Option<Duration> {
    let cut = matches!(experiment.kind, FaultKind::Partition { .. });
    (cut && exposure.nodes.rejoined.is_none()).then_some(nodes::REJOIN_MAX)
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
            if experiment.kind == FaultKind::WrongAnswers {
                report.away.convicted = report.detect;
            }
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
