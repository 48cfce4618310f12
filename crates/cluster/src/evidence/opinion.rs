use std::fmt;

use ninefold_core::event::{EvidenceLine, Opinion as Told, Share};
use ninefold_core::named::named as listed;
use ninefold_core::taxonomy::FailureClass;
use ninefold_core::time::Timestamp;

use super::account::{Voice, scores};
use super::hypothesis::Hypothesis;
use super::questions::{self, Question};
use super::sign::Sign;
use super::subject::{Observer, Subject};

/// Lines of an opinion at most: those that moved it most.
pub const LINES_MAX: usize = 16;

/// How far the best hypothesis must be ahead of the next one, in decibans: ten to one.
const MARGIN_DB: i32 = 10;

/// What is thought of a subject, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Opinion {
    /// How probable each hypothesis is, the most probable first. The sum is 1.
    pub posterior: Vec<(Hypothesis, f64)>,
    /// Nothing for a subject that is well as far as is known. `Unknown` where something is wrong and no class is
    /// ten times as probable as whatever else it may be.
    pub verdict: Option<FailureClass>,
    /// How far the most probable hypothesis is ahead of the next one, in thousandths of a deciban.
    pub margin_mdb: i32,
    /// What moved it most, the heaviest first: the audit record.
    pub lines: Vec<Line>,
    /// What would tell the two most probable hypotheses apart, the sharpest first. Neither *unknown* nor *correlated*
    /// is one of them: no answer speaks for the one, and the gate is always asked about the other.
    pub questions: Vec<Question>,
}

/// One reason of an opinion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The newest of the words behind it.
    pub at: Timestamp,
    /// What was seen.
    pub sign: Sign,
    /// Who saw it.
    pub observers: Vec<Observer>,
    /// For which class it speaks, or against which.
    pub class: FailureClass,
    /// How far it moved that class beside *well*, in thousandths of a deciban; below 0 where it speaks against it.
    pub moved_mdb: i32,
}

impl Opinion {
    pub(super) fn of(voices: &[Voice]) -> Self {
        let mut ranked = scores(voices);
        ranked.sort_by_key(|(hypothesis, score)| (-score, *hypothesis));
        let top = ranked.first().map_or(0, |(_, score)| *score);
        let margin_mdb = ranked.get(1).map_or(0, |(_, score)| top - score);
        let best = ranked.first().map(|(hypothesis, _)| *hypothesis);
        let verdict = match best.and_then(Hypothesis::class) {
            Some(class) if margin_mdb >= MARGIN_DB * 1_000 => Some(class),
            Some(_) => Some(FailureClass::Unknown),
            None => None,
        };
        let mut classes = ranked.iter().filter_map(|(one, _)| named(*one));
        let lines = classes
            .next()
            .map(|class| lines(voices, class, symptom(&ranked)));
        let mut plain = ranked.iter().map(|(one, _)| *one).filter(is_plain);
        let questions = plain.next().zip(plain.next());
        let questions = questions.map(|pair| questions::questions(voices, pair));
        Self {
            posterior: posterior(&ranked),
            verdict,
            margin_mdb,
            lines: lines.unwrap_or_default(),
            questions: questions.unwrap_or_default(),
        }
    }

    /// How probable it is that the subject failed in this way.
    #[must_use]
    pub fn share(&self, hypothesis: Hypothesis) -> f64 {
        let mut all = self.posterior.iter();
        all.find(|(one, _)| *one == hypothesis)
            .map_or(0.0, |(_, share)| *share)
    }

    /// The same for the journal, about a subject that has not been well since then.
    #[must_use]
    pub fn told(&self, subject: &Subject, since: Timestamp) -> Told {
        let share = |(hypothesis, share): &(Hypothesis, f64)| Share {
            what: hypothesis.to_string(),
            thousandths: (0..=1_000)
                .take_while(|n| f64::from(*n) <= share * 1_000.0 + 0.5)
                .last()
                .unwrap_or(0),
        };
        let shares = self.posterior.iter().map(share);
        Told {
            subject: subject.to_string(),
            class: self.verdict,
            since,
            posterior: shares.filter(|share| share.thousandths > 0).collect(),
            evidence: self.lines.iter().map(EvidenceLine::from).collect(),
            questions: self.questions.iter().map(ToString::to_string).collect(),
            together: None,
        }
    }

    /// How far the verdict is to be trusted, in whole percent, rounded down: what [`response`](super::response) asks
    /// for. That the failure may be one that others share takes nothing from how it looks, and has a guard of its own.
    #[must_use]
    pub fn confidence_percent(&self) -> u8 {
        let shared = Hypothesis::Failed(FailureClass::Correlated);
        let Some(class) = self.verdict.map(Hypothesis::Failed) else {
            return 0;
        };
        let others = if class == shared {
            1.0
        } else {
            1.0 - self.share(shared)
        };
        let reached = |percent: &u8| self.share(class) * 100.0 >= others * f64::from(*percent);
        (1..=100).take_while(reached).last().unwrap_or(0)
    }
}

fn is_plain(hypothesis: &Hypothesis) -> bool {
    hypothesis
        .class()
        .is_none_or(|class| class != FailureClass::Unknown && class != FailureClass::Correlated)
}

fn named(hypothesis: Hypothesis) -> Option<FailureClass> {
    hypothesis
        .class()
        .filter(|class| *class != FailureClass::Unknown)
}

/// The most probable class that is no shared one: what a shared failure looks like.
fn symptom(ranked: &[(Hypothesis, i32)]) -> Option<FailureClass> {
    let mut classes = ranked.iter().filter_map(|(one, _)| named(*one));
    classes.find(|class| *class != FailureClass::Correlated)
}

fn posterior(ranked: &[(Hypothesis, i32)]) -> Vec<(Hypothesis, f64)> {
    let top = ranked.first().map_or(0, |(_, score)| *score);
    let odds = |score: i32| 10f64.powf(f64::from(score - top) / 10_000.0);
    let sum: f64 = ranked.iter().map(|(_, score)| odds(*score)).sum();
    let share = |(hypothesis, score): &(Hypothesis, i32)| (*hypothesis, odds(*score) / sum);
    ranked.iter().map(share).collect()
}

fn lines(voices: &[Voice], class: FailureClass, symptom: Option<FailureClass>) -> Vec<Line> {
    let moved = |voice: &Voice| {
        let row = voice.sign.row();
        let mut for_it = row.decibans(Hypothesis::Failed(class));
        if class == FailureClass::Correlated
            && let Some(symptom) = symptom
        {
            for_it += row.decibans(Hypothesis::Failed(symptom));
        }
        voice.worth * (for_it - row.decibans(Hypothesis::Well))
    };
    let mut lines: Vec<Line> = voices
        .iter()
        .map(|voice| Line {
            at: voice.at,
            sign: voice.sign,
            observers: voice.observers.clone(),
            class,
            moved_mdb: moved(voice),
        })
        .filter(|line| line.moved_mdb != 0)
        .collect();
    lines.sort_by_key(|line| (-line.moved_mdb.abs(), line.sign));
    lines.truncate(LINES_MAX);
    lines
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.moved_mdb / 100;
        let sign = if tenths < 0 { '-' } else { '+' };
        let (whole, tenth) = (tenths.abs() / 10, tenths.abs() % 10);
        write!(
            f,
            "{}, by {}: {sign}{whole}.{tenth} dB for {}",
            self.sign,
            listed(self.observers.iter().map(|one| &one.name)),
            self.class
        )
    }
}

/// As a line of a verdict in the journal.
impl From<&Line> for EvidenceLine {
    fn from(line: &Line) -> Self {
        Self {
            at: line.at,
            observer: line.sign.channel().name().to_owned(),
            what: line.to_string(),
        }
    }
}
