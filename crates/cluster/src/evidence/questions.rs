use std::fmt;

use super::account::Voice;
use super::hypothesis::Hypothesis;
use super::sign::{Channel, Sign};

/// Questions of an opinion at most.
pub const QUESTIONS_MAX: usize = 3;

/// Below this, in decibans between the two answers, a question tells too little to be asked.
const TELLS_DB: i32 = 10;

/// A sign that is rarer than this under a hypothesis is no answer to wait for: less than one in ten.
const LIKELY_DB: i32 = -10;

/// A channel on which nothing was said, and that would tell two hypotheses apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Where to look.
    pub channel: Channel,
    /// What would speak for the more probable hypothesis, and for which.
    pub first: (Hypothesis, Sign),
    /// What would speak for the other one.
    pub second: (Hypothesis, Sign),
    /// How far the two answers are apart, in decibans.
    pub tells_db: i32,
}

/// What to ask about two hypotheses, the sharpest question first.
pub(super) fn questions(voices: &[Voice], pair: (Hypothesis, Hypothesis)) -> Vec<Question> {
    let unheard = |channel: &Channel| voices.iter().all(|voice| voice.sign.channel() != *channel);
    let channels = Channel::ALL.into_iter().filter(unheard);
    let mut questions: Vec<Question> = channels
        .filter_map(|channel| question(channel, pair))
        .collect();
    questions.sort_by_key(|question| (-question.tells_db, question.channel));
    questions.truncate(QUESTIONS_MAX);
    questions
}

fn question(channel: Channel, (first, second): (Hypothesis, Hypothesis)) -> Option<Question> {
    let ahead = |sign: Sign| sign.row().decibans(first) - sign.row().decibans(second);
    let likely = |hypothesis: Hypothesis| {
        let signs = Sign::ALL.iter().copied();
        signs.filter(move |sign| {
            sign.channel() == channel && sign.row().decibans(hypothesis) >= LIKELY_DB
        })
    };
    let for_first = likely(first).max_by_key(|sign| ahead(*sign))?;
    let for_second = likely(second).min_by_key(|sign| ahead(*sign))?;
    let tells_db = ahead(for_first) - ahead(for_second);
    (tells_db >= TELLS_DB).then_some(Question {
        channel,
        first: (first, for_first),
        second: (second, for_second),
        tells_db,
    })
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, first_sign) = self.first;
        let (second, second_sign) = self.second;
        write!(
            f,
            "{}: {} would speak for {first}, {} for {second} ({} dB apart)",
            self.channel.name(),
            first_sign.name(),
            second_sign.name(),
            self.tells_db
        )
    }
}
