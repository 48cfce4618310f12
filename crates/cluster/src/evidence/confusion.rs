//! A confusion matrix: for each class a model of what imperfect observers say, apart from the table of
//! likelihoods, and what the ledger makes of it. Some say nothing, some the wrong thing, some are unwell themselves.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use ninefold_core::rng::Rng;
use ninefold_core::taxonomy::FailureClass;
use ninefold_core::time::Timestamp;

use super::{Channel, Evidence, Health, Ledger, Observer, Said, Sign, Subject};

const DRAWS: u32 = 1_000;
const NOW: Timestamp = Timestamp::from_secs(1_000);

/// How many speak on each channel: nine probing nodes in three zones, three relays, three gateways and so on.
const WITNESSES: [(Channel, u64); 9] = [
    (Channel::Edge, 9),
    (Channel::Relay, 3),
    (Channel::Callers, 3),
    (Channel::Rank, 2),
    (Channel::Canary, 3),
    (Channel::Vote, 3),
    (Channel::Process, 1),
    (Channel::Clock, 1),
    (Channel::Onset, 1),
];

/// How often each sign is said, in percent of its channel; what is left over is silence.
type Says = &'static [(Sign, u64)];

/// One way in which a class shows: what is said, and how many short lives lie behind.
struct Model {
    class: Option<FailureClass>,
    what: &'static str,
    says: Says,
    short_lives: u64,
    /// How often the host tells of an end, in percent.
    told: u64,
}

const fn model(class: Option<FailureClass>, what: &'static str, says: Says) -> Model {
    Model {
        class,
        what,
        says,
        short_lives: 0,
        told: 0,
    }
}

use FailureClass::{
    Byzantine, Correlated, CrashRecovery, CrashStop, Gray, Omission, Timing, Unknown,
};
use Sign::{
    Agrees, Alive, Alone, Answers, Cut, Failing, FailingEverywhere, Late, Lossy, Minority, Nacked,
    OnTime, OneWay, Reached, Refused, Right, Served, Shared, Silent, Slow, Stalled, Stopped, Torn,
    Unserved, Unwell, Usual, Waiting, Wrong,
};

#[rustfmt::skip]
const MODELS: &[Model] = &[
    model(None, "well", &[
        (Answers, 96), (Late, 2), (Lossy, 1), (Silent, 1), (Served, 99), (Usual, 98), (Slow, 2),
        (Right, 99), (Agrees, 98), (Minority, 1), (Alive, 99), (OnTime, 96), (Stalled, 4), (Alone, 50),
    ]),
    Model { told: 70, ..model(Some(CrashStop), "process gone", &[
        (Refused, 85), (Silent, 10), (Late, 1), (Nacked, 90), (Cut, 95), (Served, 5), (Alone, 50),
    ]) },
    model(Some(CrashStop), "host gone", &[
        (Silent, 97), (Answers, 1), (Nacked, 92), (Cut, 80), (Alone, 50),
    ]),
    Model { short_lives: 3, told: 50, ..model(Some(CrashRecovery), "crash loop", &[
        (Refused, 45), (Answers, 35), (Silent, 10), (Late, 10), (Nacked, 50), (Reached, 20), (Cut, 50), (Served, 30),
        (Torn, 20), (Usual, 30), (Alive, 40), (OnTime, 30), (Alone, 50),
    ]) },
    model(Some(Omission), "some paths are dark", &[
        (Answers, 40), (Silent, 35), (Lossy, 25), (Reached, 80), (Nacked, 20), (Served, 50), (Torn, 50), (Usual, 90),
        (Right, 70), (Agrees, 80), (Alive, 95), (OnTime, 97), (Alone, 50),
    ]),
    model(Some(Omission), "one way", &[
        (OneWay, 60), (Answers, 40), (Reached, 70), (Nacked, 30), (Served, 60), (Torn, 40), (Usual, 95), (Right, 80),
        (Agrees, 80), (Alive, 95), (OnTime, 97), (Alone, 50),
    ]),
    model(Some(Omission), "80 % loss", &[
        (Lossy, 80), (Silent, 20), (Reached, 40), (Nacked, 60), (Torn, 85), (Cut, 15), (Usual, 70), (Slow, 20),
        (Right, 40), (Alive, 95), (OnTime, 97), (Alone, 50),
    ]),
    model(Some(Timing), "stopped", &[
        (Unserved, 88), (Silent, 12), (Nacked, 92), (Waiting, 95), (Stopped, 60), (Alive, 40), (Alone, 50),
    ]),
    model(Some(Timing), "overloaded", &[
        (Late, 75), (Unserved, 12), (Answers, 10), (Lossy, 3), (Reached, 40), (Nacked, 60), (Waiting, 50), (Served, 50),
        (Slow, 92), (Right, 50), (Agrees, 50), (Alive, 97), (Stalled, 80), (OnTime, 20), (Alone, 50),
    ]),
    model(Some(Byzantine), "wrong answers", &[
        (Answers, 96), (Late, 2), (Silent, 1), (Served, 90), (Failing, 10), (Usual, 95), (Wrong, 85), (Right, 15),
        (Minority, 88), (Agrees, 12), (Alive, 98), (OnTime, 97), (Alone, 50),
    ]),
    model(Some(Gray), "errors to callers only", &[
        (Answers, 95), (Late, 4), (Silent, 1), (Failing, 88), (Served, 7), (Torn, 5), (Usual, 70), (Slow, 30),
        (Right, 80), (Wrong, 2), (Agrees, 90), (Alive, 98), (OnTime, 95), (Stalled, 5), (Alone, 50),
    ]),
    model(Some(Gray), "slow and failing to callers only", &[
        (Answers, 94), (Late, 6), (Failing, 60), (Waiting, 30), (Served, 10), (Slow, 85), (Usual, 15), (Right, 60),
        (Agrees, 80), (Alive, 98), (OnTime, 92), (Stalled, 8), (Alone, 50),
    ]),
    model(Some(Correlated), "a zone goes dark", &[
        (Silent, 96), (Answers, 1), (Nacked, 90), (Cut, 80), (Shared, 100),
    ]),
    model(Some(Correlated), "a bad configuration", &[
        (Answers, 95), (Late, 3), (Failing, 70), (FailingEverywhere, 20), (Usual, 60), (Slow, 40), (Right, 70),
        (Agrees, 80), (Alive, 97), (OnTime, 95), (Shared, 100),
    ]),
    model(Some(Unknown), "it says that it is unwell", &[
        (Unwell, 90), (Answers, 10), (Reached, 10), (Served, 50), (Failing, 20), (FailingEverywhere, 30), (Usual, 60),
        (Slow, 20), (Right, 60), (Agrees, 70), (Alive, 97), (OnTime, 95), (Alone, 50),
    ]),
];

/// How good the observers are, in percent.
#[derive(Clone, Copy)]
struct Quality {
    missing: u64,
    wrong: u64,
    unwell: u64,
}

fn draw(model: &Model, quality: Quality, rng: &mut Rng) -> Option<FailureClass> {
    let subject = Subject::Node("subject".into());
    let mut ledger = Ledger::new();
    let mut learn = |observer: Observer, back_ms, health, said| {
        let evidence = Evidence {
            subject: subject.clone(),
            observer,
            at: NOW - Duration::from_millis(back_ms),
            health,
            said,
        };
        ledger.learn(evidence, NOW);
    };
    for (channel, many) in WITNESSES {
        for n in 0..many {
            // What the gate has counted is at hand where the ledger is.
            if channel != Channel::Onset && rng.below(100) < quality.missing {
                continue;
            }
            // Who is unwell accuses at random, and knows that it is unwell.
            let unwell = channel == Channel::Edge && rng.below(100) < quality.unwell;
            let wrong = rng.below(300) < quality.wrong * thirds(channel);
            let said = sign(model.says, channel, rng);
            let said = said.map(|said| match (unwell, wrong) {
                (true, _) => any_sign(channel, rng, Sign::accuses),
                (_, true) => any_sign(channel, rng, |_| true),
                _ => said,
            });
            let Some(said) = said else { continue };
            let health = if unwell {
                Health::new(250)
            } else {
                Health::FULL
            };
            let observer =
                Observer::new(format!("n{n}")).in_zone(["a", "b", "c"][(n % 3) as usize]);
            learn(observer, rng.below(3_000), health, Said::Sign(said));
        }
    }
    let host = || Observer::new("host");
    for life in 0..model.short_lives {
        let back_ms = 30_000 - life * 9_000;
        learn(host(), back_ms, Health::FULL, Said::Lives(life));
        learn(host(), back_ms - 2_000, Health::FULL, Said::Ended(life));
    }
    if rng.below(100) < model.told {
        learn(host(), 60_000, Health::FULL, Said::Lives(99));
        learn(host(), rng.below(3_000), Health::FULL, Said::Ended(99));
    }
    ledger.opinion(&subject, NOW).verdict
}

fn sign(says: Says, channel: Channel, rng: &mut Rng) -> Option<Sign> {
    let mut left = rng.below(100);
    let of_channel = says.iter().filter(|(sign, _)| sign.channel() == channel);
    for (sign, percent) in of_channel {
        if left < *percent {
            return Some(*sign);
        }
        left -= percent;
    }
    None
}

/// How often a wrong thing is said, in thirds. A test over many calls, or of a digest, errs less than a probe; what a
/// kernel says or a gate has counted is not said by mistake: the gate's tests are its own.
const fn thirds(channel: Channel) -> u64 {
    match channel {
        Channel::Edge | Channel::Relay | Channel::Rank | Channel::Vote | Channel::Clock => 3,
        Channel::Callers | Channel::Canary => 1,
        Channel::Process | Channel::Incarnation | Channel::Onset => 0,
    }
}

fn any_sign(channel: Channel, rng: &mut Rng, may: impl Fn(Sign) -> bool) -> Sign {
    let signs = || {
        let all = Sign::ALL.iter();
        all.filter(|sign| sign.channel() == channel && may(**sign))
    };
    let n = rng.below(signs().count() as u64);
    *signs().nth(usize::try_from(n).unwrap()).unwrap()
}

type Counts = BTreeMap<Option<FailureClass>, u32>;

fn count(model: &Model, quality: Quality, seed: u64) -> Counts {
    let mut rng = Rng::new(seed);
    let mut counts = Counts::new();
    for _ in 0..DRAWS {
        *counts.entry(draw(model, quality, &mut rng)).or_default() += 1;
    }
    counts
}

fn name(class: Option<FailureClass>) -> &'static str {
    class.map_or("well", FailureClass::name)
}

/// A class that is named and is not the one that it was.
fn wrong(counts: &Counts, model: &Model) -> u32 {
    let named = counts
        .iter()
        .filter(|(class, _)| **class != model.class && class.is_some_and(|class| class != Unknown));
    named.map(|(_, many)| many).sum()
}

fn matrix(out: &mut String, quality: Quality, mut check: impl FnMut(&Model, &Counts)) {
    let Quality {
        missing,
        wrong,
        unwell,
    } = quality;
    writeln!(
        out,
        "# {missing} % say nothing, {wrong} % any sign (callers and canaries a third of that), {unwell} % of the probing nodes are unwell"
    )
    .unwrap();
    for (seed, model) in (1..).zip(MODELS) {
        let counts = count(model, quality, seed);
        let verdicts: Vec<String> = counts
            .iter()
            .map(|(class, many)| format!("{} {many}", name(*class)))
            .collect();
        let class = name(model.class);
        writeln!(
            out,
            "{class:<14} {:<34} {}",
            model.what,
            verdicts.join(", ")
        )
        .unwrap();
        check(model, &counts);
    }
}

#[test]
fn each_class_is_recognised_and_thin_evidence_is_unknown() {
    let mut failed = Vec::new();
    let mut out = format!("# Verdicts of {DRAWS} draws each.\n\n");
    let good = Quality {
        missing: 15,
        wrong: 3,
        unwell: 10,
    };
    matrix(&mut out, good, |model, counts| {
        let right = counts.get(&model.class).copied().unwrap_or(0);
        if right < DRAWS * 95 / 100 || wrong(counts, model) > DRAWS / 100 {
            failed.push(format!("{}: {counts:?}", model.what));
        }
    });
    out.push('\n');
    let thin = Quality {
        missing: 80,
        wrong: 3,
        unwell: 10,
    };
    matrix(&mut out, thin, |model, counts| {
        if wrong(counts, model) > DRAWS / 50 {
            failed.push(format!("thin: {}: {counts:?}", model.what));
        }
    });
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/confusion.txt");
    expect_test::expect_file![path].assert_eq(&out);
    assert!(failed.is_empty(), "{failed:#?}");
}
