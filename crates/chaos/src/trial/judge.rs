//! From what was seen to a verdict: pure.

use std::time::Duration;

use ninefold_config::model::{Claim, Ratio};

use crate::Verdict;
use crate::report::{Readback, Requests, TrialReport, in_words, share};

/// Requests that live traffic must bring for a verdict.
const LIVE_REQUESTS_MIN: u64 = 20;

/// What a trial whose fault was shown to happen came to.
#[derive(Clone, Debug)]
pub(super) struct Seen<'a> {
    /// From the injection to recovery; none if it did not recover in time.
    pub(super) recover: Option<Duration>,
    /// How long recovery was waited for.
    pub(super) watched: Duration,
    pub(super) requests: Requests,
    pub(super) saturated: u64,
    pub(super) live: bool,
    pub(super) lost: Option<&'a Readback>,
    pub(super) residue: &'a [String],
}

/// The verdict of a trial, and why. A bound that is certainly broken refutes, whatever else is
/// uncertain.
pub(super) fn judge(claim: &Claim, seen: &Seen<'_>) -> (Verdict, Vec<String>) {
    let mut broken = Vec::new();
    let mut unclear = Vec::new();
    recovery(claim, seen, &mut broken);
    availability(claim.available, seen, &mut broken, &mut unclear);
    if let (Some(limit), Some(lost)) = (claim.lose, seen.lost) {
        writes(limit, lost, &mut broken, &mut unclear);
    }
    for residue in seen.residue {
        unclear.push(format!("residue: {residue}"));
    }
    if broken.is_empty() && unclear.is_empty() {
        return (Verdict::Proven, Vec::new());
    }
    let verdict = if broken.is_empty() {
        Verdict::Inconclusive
    } else {
        Verdict::Refuted
    };
    broken.append(&mut unclear);
    (verdict, broken)
}

fn recovery(claim: &Claim, seen: &Seen<'_>, broken: &mut Vec<String>) {
    let declared = claim.recover.map_or_else(
        || "no bound is declared".to_owned(),
        |limit| format!("declared: within {limit}"),
    );
    match (seen.recover, claim.recover) {
        (None, _) => broken.push(format!(
            "not every instance was ready again within {} ({declared})",
            in_words(seen.watched)
        )),
        (Some(took), Some(limit)) if took > limit.0 => {
            broken.push(format!("recovery took {} ({declared})", in_words(took)));
        }
        (Some(_), _) => {}
    }
}

fn availability(
    bound: Ratio,
    seen: &Seen<'_>,
    broken: &mut Vec<String>,
    unclear: &mut Vec<String>,
) {
    let Requests {
        sent,
        acked,
        failed,
        unknown,
        ..
    } = seen.requests;
    if seen.live && sent < LIVE_REQUESTS_MIN {
        unclear.push(format!(
            "only {sent} requests passed meanwhile; live traffic must bring {LIVE_REQUESTS_MIN}"
        ));
        return;
    }
    let Some(measured) = seen.requests.availability() else {
        unclear.push(format!(
            "no request ended for certain ({unknown} of unknown outcome)"
        ));
        return;
    };
    let figures = format!(
        "{} available: {failed} of {} requests failed (declared: at least {bound})",
        share(measured),
        acked.saturating_add(failed)
    );
    // The verdict must be the same whether every unknown one happened or none did.
    let met = meets(bound, acked, failed);
    let worst = meets(bound, acked, failed.saturating_add(unknown));
    let best = meets(bound, acked.saturating_add(unknown), failed);
    if met != worst || met != best {
        unclear.push(format!(
            "{figures}, and {unknown} of unknown outcome ({} not started by the driver) could turn the verdict",
            seen.saturated
        ));
    } else if !met {
        broken.push(figures);
    }
}

/// Exact: `acked / (acked + failed) >= bound`.
fn meets(bound: Ratio, acked: u64, failed: u64) -> bool {
    let all = u128::from(acked) + u128::from(failed);
    u128::from(acked) * 1_000_000_000 >= all * u128::from(bound.parts_per_billion())
}

fn writes(limit: u64, lost: &Readback, broken: &mut Vec<String>, unclear: &mut Vec<String>) {
    if lost.lost > limit {
        broken.push(format!(
            "{} of {} acknowledged writes are lost (declared: at most {limit}), as {}",
            lost.lost,
            lost.checked,
            lost.lost_ids.join(", ")
        ));
    } else if lost.lost.saturating_add(lost.unreadable) > limit {
        unclear.push(format!(
            "{} of {} acknowledged writes could not be read back",
            lost.unreadable, lost.checked
        ));
    } else if lost.checked == 0 {
        unclear.push("no write was acknowledged: nothing could be lost".to_owned());
    }
}

/// The answer to a claim from its trials.
pub(crate) fn claim_verdict(trials: &[TrialReport], asked: u32) -> (Verdict, Vec<String>) {
    let mut reasons = Vec::new();
    for trial in trials.iter().filter(|t| t.verdict != Verdict::Proven) {
        for reason in &trial.reasons {
            reasons.push(format!(
                "trial {} (seed {}) on {}: {reason}",
                trial.number,
                trial.seed,
                trial.on_whom()
            ));
        }
    }
    let any = |verdict| trials.iter().any(|trial| trial.verdict == verdict);
    let complete = u32::try_from(trials.len()).is_ok_and(|ran| ran == asked);
    if !complete {
        reasons.push(format!("only {} of {asked} trials ran", trials.len()));
    }
    let verdict = if any(Verdict::Refuted) {
        Verdict::Refuted
    } else if trials.is_empty() {
        Verdict::Untested
    } else if complete && !any(Verdict::Inconclusive) && !any(Verdict::Untested) {
        Verdict::Proven
    } else {
        Verdict::Inconclusive
    };
    (verdict, reasons)
}

/// One line on a trial.
pub(crate) fn summary(trial: &TrialReport) -> String {
    if let Some(reason) = trial.reasons.first() {
        return reason.clone();
    }
    let time = |at: Option<Duration>| at.map_or_else(|| "-".to_owned(), in_words);
    format!(
        "detected after {}, recovered after {}, {} of {} requests failed, {} masked",
        time(trial.detect),
        time(trial.recover),
        trial.requests.failed,
        trial.requests.sent,
        trial.requests.masked
    )
}
