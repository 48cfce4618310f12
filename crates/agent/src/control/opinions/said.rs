//! What is seen of an instance, in the words of the ledger.

use ninefold_cluster::evidence::{Channel, Said, Sign};
use ninefold_core::detect::CallersWord;
use ninefold_core::observation::{
    Ballot, EjectionGround, FailedProbe, ProbeKind, ProbeOutcome, Seen,
};

/// Who says it, and what.
pub(super) type Words = Vec<(&'static str, Said)>;

const SUPERVISOR: &str = "supervisor";
pub(super) const GATEWAY: &str = "gateway";
const READY: &str = "ready probe";
const LIVE: &str = "live probe";
const CANARY: &str = "canaries";
pub(super) const VOTES: &str = "votes";

/// Failures of a probe in a row that are no noise.
const IN_A_ROW: u32 = 2;
/// `live` probes in a row by which an instance calls itself unwell.
const UNWELL_IN_A_ROW: u32 = 3;

/// What is known of an instance beside what is seen of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition {
    /// Its process runs and was not ready yet.
    pub(super) starting: bool,
    /// Votes have found it in the minority several times.
    pub(super) often_alone: bool,
}

/// What an observation says; nothing of one that another one says better.
pub(super) fn of(seen: &Seen, is: Condition) -> Words {
    match seen {
        Seen::Started { pid: Some(pid), .. } => vec![
            (SUPERVISOR, Said::Lives(u64::from(*pid))),
            (SUPERVISOR, Said::Sign(Sign::Alive)),
        ],
        Seen::Ready => vec![(READY, Said::Sign(Sign::Answers))],
        Seen::Exited {
            pid,
            expected: false,
            ..
        } => vec![(SUPERVISOR, Said::Ended(u64::from(*pid)))],
        Seen::SpawnFailed { .. } => vec![(SUPERVISOR, Said::Sign(Sign::Unstartable))],
        Seen::CrashLoop { .. } => vec![(SUPERVISOR, Said::Sign(Sign::Looping))],
        Seen::Unready { probe, .. } => vec![(READY, Said::Sign(unready(probe.as_ref())))],
        Seen::Probe {
            kind,
            outcome,
            failures_in_a_row,
            alive,
            stopped,
        } => {
            // Who is not there yet answers nothing; that it never comes the supervisor says.
            let in_a_row = if is.starting { 0 } else { *failures_in_a_row };
            probe(*kind, outcome, in_a_row, (*alive, *stopped))
        }
        Seen::Ejected { ground, .. } => {
            let (slower, fails) = match ground {
                EjectionGround::Slower => (Some(Sign::Outlier), None),
                EjectionGround::FailsMore => (None, Some(Sign::Failing)),
                // What callers met says how it fails.
                EjectionGround::Failures => (None, None),
            };
            let word = |sign: Option<Sign>, channel| {
                (GATEWAY, sign.map_or(Said::Nothing(channel), Said::Sign))
            };
            vec![word(slower, Channel::Rank), word(fails, Channel::Callers)]
        }
        Seen::Readmitted => vec![
            (GATEWAY, Said::Nothing(Channel::Rank)),
            (GATEWAY, Said::Nothing(Channel::Callers)),
        ],
        Seen::Canary { right, .. } => {
            let sign = if *right { Sign::Right } else { Sign::Wrong };
            vec![(CANARY, Said::Sign(sign))]
        }
        Seen::Vote { ballot, .. } => match ballot {
            Ballot::Agrees => vec![(VOTES, Said::Sign(Sign::Agrees))],
            // Once is a stale read; the detector counts.
            Ballot::Minority if is.often_alone => vec![(VOTES, Said::Sign(Sign::Minority))],
            Ballot::Minority | Ballot::Split => Vec::new(),
        },
        Seen::Absolved => vec![
            (CANARY, Said::Nothing(Channel::Canary)),
            (VOTES, Said::Nothing(Channel::Vote)),
        ],
        Seen::Started { pid: None, .. }
        | Seen::Exited { expected: true, .. }
        | Seen::KeeperLost { .. }
        | Seen::NodeLost { .. }
        | Seen::Callers(_) => Vec::new(),
    }
}

fn unready(probe: Option<&FailedProbe>) -> Sign {
    match probe {
        Some(probe) if probe.stopped => Sign::Stopped,
        Some(FailedProbe {
            outcome: ProbeOutcome::TimedOut,
            ..
        }) => Sign::Unserved,
        _ => Sign::Unwell,
    }
}

fn probe(
    kind: ProbeKind,
    outcome: &ProbeOutcome,
    in_a_row: u32,
    (alive, stopped): (Option<bool>, bool),
) -> Words {
    let observer = match kind {
        ProbeKind::Startup => return Vec::new(),
        ProbeKind::Ready => READY,
        ProbeKind::Live => LIVE,
    };
    if alive == Some(false) {
        // Its exit says it better.
        return Vec::new();
    }
    let sign = match outcome {
        ProbeOutcome::Passed => Some(Sign::Answers),
        ProbeOutcome::TimedOut if in_a_row >= IN_A_ROW => Some(Sign::Unserved),
        ProbeOutcome::Unreachable(_) if in_a_row >= IN_A_ROW => Some(Sign::Refused),
        // By its `ready` probe a healthy instance asks for no traffic.
        ProbeOutcome::Refused(_) if kind == ProbeKind::Live && in_a_row >= UNWELL_IN_A_ROW => {
            Some(Sign::Unwell)
        }
        ProbeOutcome::TimedOut | ProbeOutcome::Unreachable(_) | ProbeOutcome::Refused(_) => None,
    };
    let mut words: Words = sign
        .map(|sign| (observer, Said::Sign(sign)))
        .into_iter()
        .collect();
    match alive {
        Some(_) if stopped => words.push((SUPERVISOR, Said::Sign(Sign::Stopped))),
        Some(_) => words.push((SUPERVISOR, Said::Sign(Sign::Alive))),
        None => {}
    }
    words
}

/// What callers met.
pub(super) const fn of_callers(word: CallersWord) -> Said {
    Said::Sign(match word {
        CallersWord::Served => Sign::Served,
        CallersWord::Failing => Sign::Failing,
        CallersWord::Faltering => Sign::Faltering,
        CallersWord::FailingEverywhere => Sign::FailingEverywhere,
        CallersWord::Torn => Sign::Torn,
        CallersWord::Cut => Sign::Cut,
        CallersWord::Waiting => Sign::Waiting,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_starts_is_not_accused_of_answering_nothing_yet() {
        let refused = |stopped| Seen::Probe {
            kind: ProbeKind::Ready,
            outcome: ProbeOutcome::Unreachable("connection refused".to_owned()),
            failures_in_a_row: 9,
            alive: Some(true),
            stopped,
        };
        let said = |seen: &Seen, starting| {
            let often_alone = false;
            of(
                seen,
                Condition {
                    starting,
                    often_alone,
                },
            )
        };
        let (alive, stopped) = (Said::Sign(Sign::Alive), Said::Sign(Sign::Stopped));
        let refuses = (READY, Said::Sign(Sign::Refused));
        assert_eq!(said(&refused(false), false), [refuses, (SUPERVISOR, alive)]);
        assert_eq!(said(&refused(false), true), [(SUPERVISOR, alive)]);
        assert_eq!(said(&refused(true), true), [(SUPERVISOR, stopped)]);
    }
}
