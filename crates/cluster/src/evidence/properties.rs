//! What holds of every ledger.

use std::time::Duration;

use ninefold_core::taxonomy::FailureClass;
use ninefold_core::time::Timestamp;
use proptest::prelude::*;

use super::account::WORDS_MAX;
use super::{
    Channel, Evidence, Health, Hypothesis, LINES_MAX, Ledger, Observer, QUESTIONS_MAX,
    SUBJECTS_MAX, Said, Sign, Subject,
};

const NOW: Timestamp = Timestamp::from_secs(1_000);

fn subject() -> Subject {
    Subject::Node("n0".into())
}

fn observer(n: u32) -> Observer {
    let observer = Observer::new(format!("o{n}"));
    match n % 4 {
        0 => observer,
        zone => observer.in_zone(format!("z{zone}")),
    }
}

fn word(n: u32, sign: Sign, health: u16, back_ms: u64) -> Evidence {
    Evidence {
        subject: subject(),
        observer: observer(n),
        at: NOW - Duration::from_millis(back_ms),
        health: Health::new(health),
        said: Said::Sign(sign),
    }
}

prop_compose! {
    fn evidence(observers: u32)(
        n in 0..observers,
        sign in prop::sample::select(Sign::ALL),
        health in 0..=1_000_u16,
        back_ms in 0..30_000_u64,
        nonce in 0..5_u64,
        kind in 0..10_u8,
    ) -> Evidence {
        let mut evidence = word(n, sign, health, back_ms);
        evidence.said = match kind {
            0 => Said::Lives(nonce),
            1 => Said::Ended(nonce),
            _ => evidence.said,
        };
        evidence
    }
}

fn ledger(all: &[Evidence]) -> Ledger {
    let mut ledger = Ledger::new();
    for one in all {
        ledger.learn(one.clone(), NOW);
    }
    ledger
}

/// The hypothesis that a sign speaks for most. For a shared failure only onsets speak.
fn spoken_for(sign: Sign) -> Hypothesis {
    let row = sign.row();
    let shared = Hypothesis::Failed(FailureClass::Correlated);
    if row.shared_db > 0 {
        return shared;
    }
    let symptoms = Hypothesis::ALL.into_iter().filter(|one| *one != shared);
    symptoms.max_by_key(|one| row.decibans(*one)).unwrap()
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_matter(
        (a, b) in prop::collection::vec(evidence(60), 0..400)
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        prop_assert_eq!(ledger(&a), ledger(&b));
    }

    #[test]
    fn more_of_the_same_never_lowers_its_class(
        all in prop::collection::vec(evidence(12), 0..60),
        sign in prop::sample::select(Sign::ALL),
        n in 100..104_u32,
        back_ms in 0..30_000_u64,
    ) {
        let mut ledger = ledger(&all);
        let hypothesis = spoken_for(sign);
        let before = ledger.opinion(&subject(), NOW).share(hypothesis);
        ledger.learn(word(n, sign, 1_000, back_ms), NOW);
        let after = ledger.opinion(&subject(), NOW).share(hypothesis);
        prop_assert!(after >= before - 1e-9, "{sign} for {hypothesis}: {before} to {after}");
    }

    #[test]
    fn an_observer_counts_once(
        sign in prop::sample::select(Sign::ALL),
        times in 1..50_usize,
    ) {
        let once = ledger(&[word(1, sign, 1_000, 0)]).opinion(&subject(), NOW);
        let often = vec![word(1, sign, 1_000, 0); times];
        prop_assert_eq!(ledger(&often).opinion(&subject(), NOW), once);
    }

    #[test]
    fn who_is_isolated_accuses_nobody(
        all in prop::collection::vec(evidence(12), 0..60),
        sign in prop::sample::select(Sign::ALL).prop_filter("accuses", |sign| sign.accuses()),
    ) {
        let mut ledger = ledger(&all);
        let before = ledger.opinion(&subject(), NOW);
        ledger.learn(word(100, sign, 0, 0), NOW);
        prop_assert_eq!(ledger.opinion(&subject(), NOW), before);
    }

    #[test]
    fn decay_returns_to_the_prior(all in prop::collection::vec(evidence(12), 0..60)) {
        let mut ledger = ledger(&all);
        let ended = all.iter().any(|one| matches!(one.said, Said::Ended(_)));
        let later = NOW + Duration::from_secs(3_600);
        prop_assert_eq!(
            ledger.opinion(&subject(), later),
            Ledger::new().opinion(&subject(), later),
            "ended: {}", ended
        );
        ledger.tidy(later);
        prop_assert_eq!(ledger.subjects().count(), 0);
    }

    #[test]
    fn an_opinion_is_a_distribution_and_bounded(all in prop::collection::vec(evidence(60), 0..300)) {
        let opinion = ledger(&all).opinion(&subject(), NOW);
        let sum: f64 = opinion.posterior.iter().map(|(_, share)| share).sum();
        prop_assert!((sum - 1.0).abs() < 1e-9, "{sum}");
        prop_assert!(opinion.posterior.is_sorted_by(|(_, a), (_, b)| a >= b));
        prop_assert!(opinion.lines.len() <= LINES_MAX);
        prop_assert!(opinion.questions.len() <= QUESTIONS_MAX);
        let best = opinion.posterior[0].0;
        match opinion.verdict {
            None => prop_assert_eq!(best, Hypothesis::Well),
            Some(class) if opinion.margin_mdb >= 10_000 => {
                prop_assert_eq!(best, Hypothesis::Failed(class));
            }
            Some(class) => prop_assert_eq!(class, FailureClass::Unknown),
        }
    }
}

#[test]
fn memory_is_bounded() {
    let mut ledger = Ledger::new();
    for n in 0..u32::try_from(SUBJECTS_MAX).unwrap() + 100 {
        let mut one = word(1, Sign::Silent, 1_000, 0);
        one.subject = Subject::Node(format!("n{n}").into());
        one.at = Timestamp::from_millis(u64::from(n));
        ledger.learn(one, NOW);
    }
    assert_eq!(ledger.subjects().count(), SUBJECTS_MAX);
    let first = Subject::Node("n0".into());
    assert!(ledger.subjects().all(|subject| *subject != first));

    // The words of one subject: the newest stay.
    let mut account = super::account::Account::default();
    let observers = u32::try_from(WORDS_MAX).unwrap() * 2;
    for n in 0..observers {
        let at = Timestamp::from_millis(u64::from(n));
        account.say(
            (Channel::Edge, observer(n)),
            Some(Sign::Silent),
            Health::FULL,
            at,
        );
    }
    let voices = account.voices(Timestamp::from_millis(u64::from(observers)));
    assert_eq!(voices[0].observers.len(), WORDS_MAX);
    assert!(voices[0].observers.contains(&observer(observers - 1)));
}

/// A clock that is ahead may not make a word last.
#[test]
fn what_comes_from_the_future_is_dated_now() {
    let mut ahead = word(1, Sign::Silent, 1_000, 0);
    ahead.at = NOW + Duration::from_secs(86_400);
    let mut ledger = Ledger::new();
    ledger.learn(ahead, NOW);
    ledger.learn(
        word(1, Sign::Answers, 1_000, 0),
        NOW + Duration::from_secs(1),
    );
    let half_life = Channel::Edge.half_life();
    let later = NOW + half_life * 40;
    assert_eq!(ledger.opinion(&subject(), later).lines, []);
}

/// A response that asks for near certainty must be within reach of the evidence that there is.
#[test]
fn an_exit_and_a_silent_host_are_sure() {
    let mut ended = word(0, Sign::Alive, 1_000, 0);
    ended.said = Said::Ended(7);
    let exit = ledger(&[ended]).opinion(&subject(), NOW);
    assert_eq!(exit.verdict, Some(FailureClass::CrashStop));
    assert!(exit.confidence_percent() >= 99, "{exit:?}");

    let silent: Vec<_> = (0..10).map(|n| word(n, Sign::Silent, 1_000, 500)).collect();
    let silent = ledger(&silent).opinion(&subject(), NOW);
    assert_eq!(silent.verdict, Some(FailureClass::CrashStop));
    assert!(silent.confidence_percent() >= 99, "{silent:?}");
}

#[test]
fn another_process_begins_with_nothing_said_but_how_the_one_before_ended() {
    let subject = Subject::Instance("catalog/1".parse().unwrap());
    let mut ledger = Ledger::new();
    let (then, now) = (Timestamp::from_secs(100), Timestamp::from_secs(101));
    let learn = |ledger: &mut Ledger, said, at| {
        let evidence = Evidence {
            subject: subject.clone(),
            observer: Observer::new("probe"),
            at,
            health: Health::FULL,
            said,
        };
        ledger.learn(evidence, at);
    };
    learn(&mut ledger, Said::Lives(7), then);
    learn(&mut ledger, Said::Sign(Sign::Unserved), then);
    ledger.renew(&subject, now);
    assert_eq!(ledger.opinion(&subject, now).verdict, None);
    learn(&mut ledger, Said::Ended(7), now);
    ledger.renew(&subject, now);
    let verdict = ledger.opinion(&subject, now).verdict;
    assert_eq!(verdict, Some(FailureClass::CrashStop));
}
