//! What was seen in virtual time, as the report says it: pure.

use std::time::Duration;

use ninefold_config::model::{Claim, Survive};
use ninefold_sim::measure::quantile;
use ninefold_sim::service::{Request, Seen};

use crate::Verdict;
use crate::fault::Group;
use crate::load::Latency;
use crate::report::{Away, Requests, TrialReport};
use crate::trial;

/// One trial, judged.
pub(super) fn report(
    claim: &Claim,
    targets: Group,
    seen: &Seen,
    mut blank: TrialReport,
) -> TrialReport {
    let whole = !targets.nodes.is_empty();
    let time = |ns: Option<u64>| ns.map(Duration::from_nanos);
    let away = Away {
        convicted: time(seen.convicted),
        isolated: time(seen.isolated),
        failed_after: seen.isolated.filter(|_| whole).map(|isolated| {
            let after = |one: &&Request| !one.ok && one.began > isolated;
            seen.requests.iter().filter(after).count() as u64
        }),
        rejoined: time(seen.rejoined).filter(|_| whole),
    };
    // Who is gone has recovered when it is back, who is cut off or slow when the others do without it.
    let gone = matches!(claim.survive, Survive::Nodes(_) | Survive::Zones(_));
    let apart = time(seen.isolated);
    let known = away.convicted.unwrap_or_default();
    let recover = match (apart, away.rejoined, gone) {
        (Some(apart), Some(rejoined), true) => Some(apart.max(known) + rejoined),
        (_, _, true) => None,
        (apart, _, false) => apart.map(|apart| apart.max(known)),
    };
    let requests = requests(&seen.requests);
    let judged = trial::Seen {
        turned_away: !gone,
        recover,
        watched: Duration::from_nanos(seen.watched),
        requests,
        saturated: 0,
        live: false,
        lost: None,
        residue: &[],
        stayed_away: (whole && !gone && away.rejoined.is_none())
            .then_some(Duration::from_nanos(ninefold_sim::service::REJOIN_MAX)),
        answers: None,
    };
    let (verdict, mut reasons) = trial::judge(claim, &judged);
    blank.verdict = beyond(claim, seen, verdict, &mut reasons);
    blank.reasons = reasons;
    blank.targets = targets.instances;
    blank.nodes = targets.nodes;
    blank.detect = time(seen.detect);
    blank.recover = recover;
    blank.away = if whole { away } else { Away::default() };
    blank.requests = requests;
    blank.latency = latency(&seen.requests);
    blank
}

/// What virtual time knows better than a trial on processes, and what it does not know.
fn beyond(claim: &Claim, seen: &Seen, verdict: Verdict, reasons: &mut Vec<String>) -> Verdict {
    if seen.wrongly > 0 {
        reasons.push(format!(
            "{} convictions of nodes that nothing was done to",
            seen.wrongly
        ));
        return Verdict::Refuted;
    }
    if claim.lose.is_none() {
        return verdict;
    }
    reasons.push("nothing is written in virtual time: `lose` takes real processes".to_owned());
    match verdict {
        Verdict::Proven => Verdict::Inconclusive,
        other => other,
    }
}

fn requests(all: &[Request]) -> Requests {
    let count = |fits: fn(&&Request) -> bool| all.iter().filter(fits).count() as u64;
    Requests {
        sent: all.len() as u64,
        acked: count(|one| one.ok),
        failed: count(|one| !one.ok),
        masked: count(|one| one.ok && one.hurt),
        ..Requests::default()
    }
}

fn latency(all: &[Request]) -> Option<Latency> {
    let mut took: Vec<u64> = all
        .iter()
        .filter(|one| one.ok)
        .map(|one| one.took)
        .collect();
    took.sort_unstable();
    let at = |share| quantile(&took, share).map(Duration::from_nanos);
    Some(Latency {
        p50: at(0.5)?,
        p99: at(0.99)?,
        max: at(1.0)?,
    })
}
