//! From what was seen to a verdict: pure.

use std::time::Duration;

use ninefold_config::model::{Claim, Ratio};
use ninefold_core::taxonomy::FailureClass;

use crate::Verdict;
use crate::report::{Readback, Requests, TrialReport, in_words, share};

/// Requests that live traffic must bring for a verdict.
const LIVE_REQUESTS_MIN: u64 = 20;

/// What a trial whose fault was shown to happen came to.
#[derive(Clone, Debug)]
pub(crate) struct Seen<'a> {
    /// Whether recovery means that the traffic keeps away from the targets.
    pub(crate) turned_away: bool,
    /// From the injection to recovery; none if it did not recover in time.
    pub(crate) recover: Option<Duration>,
    /// How long recovery was waited for.
    pub(crate) watched: Duration,
    pub(crate) requests: Requests,
    pub(crate) saturated: u64,
    pub(crate) live: bool,
    pub(crate) lost: Option<&'a Readback>,
    pub(crate) residue: &'a [String],
    /// How long nodes that were cut off were waited for in vain.
    pub(crate) stayed_away: Option<Duration>,
    /// Of a fault that makes answers wrong.
    pub(crate) answers: Option<WrongAnswers>,
}

/// What was made of wrong answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WrongAnswers {
    /// What the detector called it.
    pub(crate) class: Option<FailureClass>,
    /// Callers that got one after all were in quarantine.
    pub(crate) after: u64,
}

/// The verdict of a trial, and why. A bound that is certainly broken refutes, whatever else is
/// uncertain.
pub(crate) fn judge(claim: &Claim, seen: &Seen<'_>) -> (Verdict, Vec<String>) {
    let mut broken = Vec::new();
    let mut unclear = Vec::new();
    recovery(claim, seen, &mut broken);
    if let Some(waited) = seen.stayed_away {
        let waited = in_words(waited);
        broken.push(format!(
            "not every node and instance was back within {waited} after the end of the cut"
        ));
    }
    if let Some(answers) = seen.answers {
        wrong(answers, &mut broken);
    }
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

fn wrong(answers: WrongAnswers, broken: &mut Vec<String>) {
    let WrongAnswers { class, after } = answers;
    if class != Some(FailureClass::Byzantine) {
        let class = class.map_or_else(
            || "nobody saw it".to_owned(),
            |class| format!("it was classed {class}"),
        );
        broken.push(format!("{class}, where answers are wrong (byzantine)"));
    }
    if after > 0 {
        broken.push(format!(
            "{after} wrong answers reached callers after all who give them were in quarantine"
        ));
    }
}

fn recovery(claim: &Claim, seen: &Seen<'_>, broken: &mut Vec<String>) {
    let declared = claim.recover.map_or_else(
        || "no bound is declared".to_owned(),
        |limit| format!("declared: within {limit}"),
    );
    match (seen.recover, claim.recover) {
        (None, _) => {
            let what = match (seen.answers, seen.turned_away) {
                (Some(_), _) => "not every target was put into quarantine",
                (None, true) => "traffic did not keep away from every target",
                (None, false) => "not every instance was ready again",
            };
            let watched = in_words(seen.watched);
            broken.push(format!("{what} within {watched} ({declared})"));
        }
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
    let away = match (trial.away.convicted, trial.away.isolated) {
        (None, None) => String::new(),
        (convicted, isolated) => format!(
            ", convicted after {}, out of the gateway after {}, {} failed after that",
            time(convicted),
            time(isolated),
            trial.away.failed_after.unwrap_or(0)
        ),
    };
    let hit = match trial.requests.hit {
        0 => String::new(),
        hit => format!(", {hit} hit by the fault"),
    };
    let wrong = match trial.requests.wrong {
        0 => String::new(),
        wrong => format!(" ({wrong} by a wrong answer)"),
    };
    format!(
        "detected after {}, recovered after {}, {} of {} requests failed{wrong}, {} masked{hit}{away}",
        time(trial.detect),
        time(trial.recover),
        trial.requests.failed,
        trial.requests.sent,
        trial.requests.masked
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ninefold_config::model::{Load, LoadRequest, Rate, Span, Survive};

    use super::*;

    fn claim() -> Claim {
        let request = LoadRequest {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            headers: BTreeMap::new(),
            body: None,
        };
        Claim {
            name: "c".to_owned(),
            survive: Survive::Instances(1),
            service: "web".parse().unwrap(),
            slo: "up".parse().unwrap(),
            available: "99.9%".parse().unwrap(),
            recover: Some(Span::secs(2)),
            lose: Some(0),
            load: Load {
                rate: Rate::per_second(1),
                requests: vec![request],
                check: None,
            },
        }
    }

    fn requests(acked: u64, failed: u64, unknown: u64) -> Requests {
        Requests {
            sent: acked + failed + unknown,
            acked,
            failed,
            unknown,
            masked: 0,
            wrong: 0,
            hit: 0,
        }
    }

    fn seen(requests: Requests) -> Seen<'static> {
        Seen {
            turned_away: false,
            recover: Some(Duration::from_millis(900)),
            watched: Duration::from_secs(21),
            requests,
            saturated: 0,
            live: false,
            lost: None,
            residue: &[],
            stayed_away: None,
            answers: None,
        }
    }

    fn verdict(requests: Requests) -> Verdict {
        judge(&claim(), &seen(requests)).0
    }

    #[test]
    fn availability_is_held_against_its_bound_exactly() {
        assert_eq!(verdict(requests(999, 1, 0)), Verdict::Proven);
        assert_eq!(verdict(requests(998, 1, 0)), Verdict::Refuted);
        assert_eq!(verdict(requests(0, 0, 0)), Verdict::Inconclusive);
    }

    #[test]
    fn unknown_decides_nothing_and_hides_nothing() {
        // Met only if the unknown one happened, broken only if it did not.
        assert_eq!(verdict(requests(999, 1, 1)), Verdict::Inconclusive);
        assert_eq!(verdict(requests(998, 1, 1)), Verdict::Inconclusive);
        // The same either way.
        assert_eq!(verdict(requests(9_990, 1, 2)), Verdict::Proven);
        assert_eq!(verdict(requests(900, 50, 2)), Verdict::Refuted);
        assert_eq!(verdict(requests(0, 0, 5)), Verdict::Inconclusive);
    }

    #[test]
    fn late_and_missing_recovery_refute() {
        let mut late = seen(requests(1_000, 0, 0));
        late.recover = Some(Duration::from_millis(2_001));
        let (verdict, why) = judge(&claim(), &late);
        assert_eq!(verdict, Verdict::Refuted);
        assert_eq!(why, ["recovery took 2.001 s (declared: within 2s)"]);
        late.recover = None;
        assert_eq!(judge(&claim(), &late).0, Verdict::Refuted);
        late.recover = Some(Duration::from_secs(2));
        assert_eq!(judge(&claim(), &late).0, Verdict::Proven);
    }

    #[test]
    fn wrong_answers_are_found_to_be_that_and_end_with_the_quarantine() {
        let of = |class, after| {
            let mut seen = seen(requests(1_000, 0, 0));
            seen.answers = Some(WrongAnswers { class, after });
            judge(&claim(), &seen)
        };
        let byzantine = Some(FailureClass::Byzantine);
        assert_eq!(of(byzantine, 0).0, Verdict::Proven);
        let (verdict, why) = of(byzantine, 2);
        assert_eq!(verdict, Verdict::Refuted);
        assert!(why[0].starts_with("2 wrong answers reached"), "{why:?}");
        assert_eq!(of(Some(FailureClass::Gray), 0).0, Verdict::Refuted);
        let (verdict, why) = of(None, 0);
        assert_eq!(verdict, Verdict::Refuted);
        assert!(why[0].starts_with("nobody saw it"), "{why:?}");
    }

    #[test]
    fn writes_are_lost_kept_or_not_to_be_told() {
        let of = |checked, lost, unreadable| {
            let lost = Readback {
                checked,
                lost,
                unreadable,
                lost_ids: Vec::new(),
            };
            let mut seen = seen(requests(1_000, 0, 0));
            seen.lost = Some(&lost);
            judge(&claim(), &seen).0
        };
        assert_eq!(of(10, 0, 0), Verdict::Proven);
        assert_eq!(of(10, 1, 0), Verdict::Refuted);
        assert_eq!(of(10, 0, 1), Verdict::Inconclusive);
        assert_eq!(of(0, 0, 0), Verdict::Inconclusive);
    }

    #[test]
    fn residue_spoils_a_proof_and_does_not_soften_a_refutation() {
        let residue = ["pid 1 is still stopped".to_owned()];
        let mut left = seen(requests(1_000, 0, 0));
        left.residue = &residue;
        assert_eq!(judge(&claim(), &left).0, Verdict::Inconclusive);
        left.recover = None;
        assert_eq!(judge(&claim(), &left).0, Verdict::Refuted);
    }

    #[test]
    fn a_claim_is_proven_by_all_its_trials_only() {
        use Verdict::{Inconclusive, Proven, Refuted, Untested};
        let trials = |verdicts: &[Verdict]| {
            let each = verdicts.iter().map(|verdict| {
                let mut trial = TrialReport::new(1, 1);
                trial.verdict = *verdict;
                trial
            });
            each.collect::<Vec<_>>()
        };
        let of = |verdicts: &[Verdict], asked| claim_verdict(&trials(verdicts), asked).0;
        assert_eq!(of(&[Proven, Proven], 2), Proven);
        assert_eq!(of(&[Proven], 2), Inconclusive);
        assert_eq!(of(&[Proven, Inconclusive], 2), Inconclusive);
        assert_eq!(of(&[Inconclusive, Refuted], 2), Refuted);
        assert_eq!(of(&[], 2), Untested);
    }
}
