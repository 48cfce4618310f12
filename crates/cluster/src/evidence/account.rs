use std::collections::BTreeMap;

use ninefold_core::taxonomy::FailureClass;
use ninefold_core::time::Timestamp;

use super::decay::decayed;
use super::hypothesis::Hypothesis;
use super::incarnations::Incarnations;
use super::sign::{Channel, Sign};
use super::subject::{Health, Observer};

/// Words that are kept of a subject at most; older ones go first.
pub(super) const WORDS_MAX: usize = 128;

/// How much of a channel's observers those of one zone are worth, in thousandths: six of ten.
const ZONE_SHARE: i32 = 600;

/// What was said of one subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    words: BTreeMap<(Channel, Observer), Word>,
    incarnations: Incarnations,
    /// When it was last heard of.
    pub(super) newest: Timestamp,
}

/// The newest word of an observer on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Word {
    at: Timestamp,
    /// Nothing where it was taken back.
    sign: Option<Sign>,
    health: Health,
}

/// All words of one sign, weighed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Voice {
    pub(super) sign: Sign,
    /// How many observers it is worth, in thousandths.
    pub(super) worth: i32,
    /// The newest word.
    pub(super) at: Timestamp,
    /// Who says it.
    pub(super) observers: Vec<Observer>,
}

impl Account {
    /// The greater word of the newest ones wins, so that the order of arrival does not matter; and so do the newest
    /// where there are too many, as a word that had to go is older than each that stays.
    pub(super) fn say(
        &mut self,
        by: (Channel, Observer),
        sign: Option<Sign>,
        health: Health,
        at: Timestamp,
    ) {
        self.newest = self.newest.max(at);
        let word = Word { at, sign, health };
        let held = self.words.entry(by).or_insert(word);
        *held = (*held).max(word);
        if self.words.len() > WORDS_MAX {
            let oldest = self.words.iter().min_by_key(|(key, word)| (word.at, *key));
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                self.words.remove(&key);
            }
        }
    }

    /// Takes back all words that were said until now.
    pub(super) fn renew(&mut self, now: Timestamp) {
        for word in self.words.values_mut() {
            let (at, sign, health) = (word.at.max(now), None, word.health);
            *word = Word { at, sign, health };
        }
    }

    /// Its incarnation of that nonce was seen to live.
    pub(super) fn lives(&mut self, nonce: u64, at: Timestamp) {
        self.newest = self.newest.max(at);
        self.incarnations.lives(nonce, at);
    }

    /// Its incarnation of that nonce was seen to end.
    pub(super) fn ended(&mut self, nonce: u64, at: Timestamp) {
        self.newest = self.newest.max(at);
        self.incarnations.ended(nonce, at);
    }

    /// Whether nothing that it holds is worth anything any more.
    pub(super) fn is_spent(&self, now: Timestamp) -> bool {
        self.voices(now).is_empty()
    }

    /// What is said now, sign by sign.
    pub(super) fn voices(&self, now: Timestamp) -> Vec<Voice> {
        let host = Observer::new("host");
        let told: Vec<(Sign, Timestamp)> = self.incarnations.signs(now).collect();
        let gone = told.iter().any(|(sign, _)| *sign == Sign::Exited);
        let mut voices = Vec::new();
        for sign in Sign::ALL {
            if gone && matches!(sign, Sign::Alive | Sign::Stopped) {
                continue;
            }
            let half_life = sign.channel().half_life();
            let by_word = self
                .words
                .iter()
                .filter(|(_, word)| word.sign == Some(*sign));
            let by_word = by_word.map(|((_, observer), word)| {
                let full = if sign.accuses() {
                    word.health
                } else {
                    Health::FULL
                };
                (observer, word.at, full)
            });
            let by_nonce = told.iter().filter(|(told, _)| told == sign);
            let by_nonce = by_nonce.map(|(_, at)| (&host, *at, Health::FULL));
            let worths = by_word.chain(by_nonce).map(|(observer, at, full)| {
                let full = i32::from(full.thousandths());
                (observer, at, decayed(full, now.since(at), half_life))
            });
            voices.extend(voice(*sign, worths.filter(|(_, _, worth)| *worth > 0)));
        }
        voices
    }
}

/// Sums up who says the same, within what the channel and each zone of it are worth.
fn voice<'a>(
    sign: Sign,
    worths: impl Iterator<Item = (&'a Observer, Timestamp, i32)>,
) -> Option<Voice> {
    let all = sign.channel().observers_thousandths();
    let mut zones: BTreeMap<&str, i32> = BTreeMap::new();
    let mut voice = Voice {
        sign,
        worth: 0,
        at: Timestamp::ZERO,
        observers: Vec::new(),
    };
    for (observer, at, worth) in worths {
        voice.at = voice.at.max(at);
        voice.observers.push(observer.clone());
        match &observer.zone {
            Some(zone) => *zones.entry(zone).or_default() += worth,
            None => voice.worth += worth,
        }
    }
    let of_a_zone = (all * ZONE_SHARE / 1_000).max(1_000);
    voice.worth += zones
        .values()
        .map(|worth| (*worth).min(of_a_zone))
        .sum::<i32>();
    voice.worth = voice.worth.min(all);
    (voice.worth > 0).then_some(voice)
}

/// The score of each hypothesis in thousandths of a deciban, in the order of [`Hypothesis::ALL`].
pub(super) fn scores(voices: &[Voice]) -> Vec<(Hypothesis, i32)> {
    let score = |hypothesis: Hypothesis| {
        let sum: i32 = voices
            .iter()
            .map(|voice| voice.worth * voice.sign.row().decibans(hypothesis))
            .sum();
        hypothesis.prior_db() * 1_000 + sum
    };
    let shared = Hypothesis::Failed(FailureClass::Correlated);
    let unknown = Hypothesis::Failed(FailureClass::Unknown);
    let mut scores: Vec<(Hypothesis, i32)> = Hypothesis::ALL
        .into_iter()
        .map(|hypothesis| (hypothesis, score(hypothesis)))
        .collect();
    let is_symptom = |one: Hypothesis| one.class().is_some() && one != shared && one != unknown;
    let symptoms = scores.iter().filter(|(one, _)| is_symptom(*one));
    let best = symptoms.map(|(_, score)| *score).max().unwrap_or(0);
    for (hypothesis, score) in &mut scores {
        if *hypothesis == shared {
            *score += best;
        }
    }
    scores
}
