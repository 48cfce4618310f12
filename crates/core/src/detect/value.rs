//! The rules for answers that are wrong.

use super::answers::Against;
use super::charge::{Charge, Clears, line};
use super::settings::Settings;
use super::track::Track;
use crate::event::EvidenceLine;
use crate::observation::Ballot;
use crate::taxonomy::FailureClass;
use crate::time::Timestamp;

/// How the instances of a service answer that are up, the one in question included.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Electorate {
    pub(super) up: u32,
    /// Whose canaries are wrong.
    pub(super) wrong: u32,
    /// Whose canaries are right, since the first one here was wrong.
    pub(super) right: u32,
    /// Who is in the minority at least half as often.
    pub(super) minority: u32,
}

/// Whose answers are wrong. What most of them answer is not the fault of one.
pub(super) fn by_answers(
    settings: &Settings,
    track: &Track,
    all: Electorate,
    now: Timestamp,
) -> Option<Charge> {
    by_canaries(settings, track, all)
        .or_else(|| by_minority(settings, track, all))
        .or_else(|| by_split(settings, track))
        .map(|(class, onset, evidence)| Charge {
            class,
            weight: if class == FailureClass::Byzantine {
                3
            } else {
                1
            },
            clears: Clears::Answers,
            onset: onset.min(now),
            evidence,
        })
}

type Found = (FailureClass, Timestamp, Vec<EvidenceLine>);

fn by_canaries(settings: &Settings, track: &Track, all: Electorate) -> Option<Found> {
    let wrong = track.answers.wrong(settings.wrong_canaries)?;
    let mut onset = Timestamp::from_nanos(u64::MAX);
    let mut evidence = Vec::new();
    let (mut last, mut longest) = (Timestamp::default(), 0);
    for (name, row) in wrong {
        onset = onset.min(row.onset());
        last = last.max(row.last);
        longest = longest.max(row.in_a_row);
        let times = match row.in_a_row {
            1 => "wrong".to_owned(),
            2 => "wrong twice in a row".to_owned(),
            n => format!("wrong {n} times in a row"),
        };
        let what = format!("{name}: {times}: {}", row.said);
        evidence.push(line(row.last, "canary", what));
    }
    let Electorate {
        up, wrong, right, ..
    } = all;
    let patience = settings.wrong_canaries.saturating_add(1);
    if right < wrong && wrong.saturating_mul(2) <= up && longest < patience {
        // The others have not been asked since.
        return None;
    }
    if right >= wrong {
        let what = format!("{right} of {up} answer their canaries rightly meanwhile");
        evidence.push(line(last, "canary", what));
        return Some((FailureClass::Byzantine, onset, evidence));
    }
    let what = format!(
        "{wrong} of {up} answer so, {right} rightly: what is declared, or a roll-out, not this instance alone"
    );
    evidence.push(line(last, "canary", what));
    Some((FailureClass::Unknown, onset, evidence))
}

fn by_minority(settings: &Settings, track: &Track, all: Electorate) -> Option<Found> {
    let against = track
        .answers
        .against(Ballot::Minority, settings.minority_votes)?;
    let mut evidence = vec![votes(&against, "alone against a majority")];
    if all.minority.saturating_mul(2) <= all.up {
        return Some((FailureClass::Byzantine, against.onset, evidence));
    }
    let what = format!(
        "so are {} of {}: what is declared, or a roll-out, not this instance alone",
        all.minority, all.up
    );
    evidence.push(line(against.last, "vote", what));
    Some((FailureClass::Unknown, against.onset, evidence))
}

fn by_split(settings: &Settings, track: &Track) -> Option<Found> {
    let against = track
        .answers
        .against(Ballot::Split, settings.minority_votes)?;
    let evidence = vec![votes(&against, "in a vote without a majority")];
    Some((FailureClass::Unknown, against.onset, evidence))
}

fn votes(against: &Against, how: &str) -> EvidenceLine {
    let Against {
        count, of, said, ..
    } = against;
    let what = format!("{count} times of {of} {how}; the last time: {said}");
    line(against.last, "vote", what)
}
