//! How many attempts does a call make while nothing answers?

use std::time::Duration;

use ninefold_core::policy::RequestMeta;
use ninefold_core::time::Timestamp;

use super::amplified::{self, Counts};
use crate::clients::{Broken, Client, Ours, TowerBudget, WithoutBudget};
use crate::gates::{Gate, Verdict};
use crate::report::{Column, How, Report, Row, Table, Target, Value};
use crate::sim::{Service, Weather, World};
use crate::svg::{Axis, Band, Lines, Mark, Plot, Series};

/// New calls a second.
pub(super) const RATE: u32 = 1_000;
/// The outage: from here to there, in seconds.
pub(super) const OUTAGE: std::ops::Range<u64> = 20..80;
/// The end.
pub(super) const LENGTH: u64 = 90;
const WANTED: f64 = 1.1;

/// Answers until the outage begins and after it has ended, and refuses everything within.
struct Outage;

impl Gate for Outage {
    fn arrives(&mut self, id: usize, _: &RequestMeta, now: Timestamp, out: &mut Vec<Verdict>) {
        out.push(if OUTAGE.contains(&now.as_secs()) {
            Verdict::Refused(id)
        } else {
            Verdict::Starts(id)
        });
    }

    fn ends(&mut self, _: usize, _: bool, _: Timestamp, _: &mut Vec<Verdict>) {}
}

/// A subject and what it did.
struct Subject {
    name: &'static str,
    how: How,
    counts: Counts,
}

pub(super) fn run(seed: u64) -> Report {
    let subjects = subjects(seed);
    let rows = subjects.iter().map(row).collect();
    let worst = subjects[0].counts.amplification(OUTAGE);
    let pipeline = subjects[1].counts.amplification(OUTAGE);
    Report {
        name: "amplification",
        title: "Retry amplification in a full outage",
        setting: format!(
            "1,000 calls a second, at random. For {} s the dependency fails every attempt at once. \
             Attempts that were sent, for each of n = about 60,000 calls; the worst second of the outage too. Retries as \
             they are by default; the waits do not matter to the sum.",
            OUTAGE.end - OUTAGE.start
        ),
        tables: vec![Table {
            caption: "",
            columns: vec![
                Column::with_ratio("attempts a call"),
                Column::plain("worst second"),
                Column::plain("most attempts of one call"),
            ],
            rows,
        }],
        notes: vec![
            "Our budget is over ten seconds, so it allows a burst when the outage begins, and another \
             whenever that one is ten seconds past: the worst seconds."
                .to_owned(),
            "In tower's documentation successes deposit, failures do not, so an outage soon leaves \
             only the reserve of 10 a second."
                .to_owned(),
            "tower-resilience's token bucket reads the machine's clock; here it is our model of it \
             in their service."
                .to_owned(),
        ],
        targets: vec![
            Target::at_most(
                "retries with the default budget send at most 1.10 attempts a call, rounded",
                (worst * 100.0).round() / 100.0,
                WANTED,
                format!("{worst:.3}"),
            ),
            Target::at_most(
                "the pipeline with a breaker within sends at most 1.1 attempts a call",
                pipeline,
                WANTED,
                format!("{pipeline:.3}"),
            ),
        ],
        plot: plot(&subjects),
    }
}

fn row(subject: &Subject) -> Row {
    let counts = &subject.counts;
    Row::new(
        subject.name,
        subject.how,
        vec![
            Value::Number(counts.amplification(OUTAGE), 3),
            Value::Number(counts.worst(OUTAGE), 2),
            Value::Count(counts.most),
        ],
    )
}

fn plot(subjects: &[Subject]) -> Plot {
    let series = subjects.iter().map(|subject| Series {
        name: subject.name.to_owned(),
        ours: subject.name.starts_with("ninefold"),
        points: (10..LENGTH)
            .map(|second| {
                let attempts = subject.counts.attempts[second as usize];
                (second as f64, f64::from(attempts))
            })
            .collect(),
    });
    Plot::Lines(Lines {
        x: Axis {
            label: "time, seconds",
            least: 10.0,
            most: LENGTH as f64,
            log: false,
        },
        y: Axis {
            label: "attempts sent a second",
            least: 0.0,
            most: 4_500.0,
            log: false,
        },
        series: series.collect(),
        band: Some(Band {
            from: OUTAGE.start as f64,
            to: OUTAGE.end as f64,
            text: "nothing answers",
        }),
        mark: Some(Mark {
            at: f64::from(RATE),
            text: "one attempt a call",
        }),
    })
}

fn subjects(seed: u64) -> Vec<Subject> {
    let simulated = |name, how, client: &mut dyn Client| Subject {
        name,
        how,
        counts: simulate(client, seed),
    };
    let ours = || Ours::new(seed);
    let mut subjects = vec![
        simulated("ninefold, retry and budget", How::Driven, &mut ours()),
        simulated(
            "ninefold, retry, budget and breaker",
            How::Driven,
            &mut Broken::new(ours(), seed),
        ),
        simulated(
            "three attempts, no budget",
            How::Nothing,
            &mut WithoutBudget::new(3, seed),
        ),
        simulated("tower, TpsBudget", How::Driven, &mut TowerBudget::new(seed)),
    ];
    let peers = [
        (
            "tower-resilience, as it is",
            How::Driven,
            amplified::tower_resilience(seed, false),
        ),
        (
            "tower-resilience, token bucket",
            How::Modelled,
            amplified::tower_resilience(seed, true),
        ),
        ("backon, as it is", How::Driven, amplified::backon(seed)),
    ];
    subjects.extend(
        peers
            .into_iter()
            .map(|(name, how, counts)| Subject { name, how, counts }),
    );
    subjects
}

fn simulate(client: &mut dyn Client, seed: u64) -> Counts {
    let weather = Weather {
        service: Service {
            workers: 1_000,
            least: Duration::from_millis(5),
            mean: Duration::from_millis(5),
        },
        rates: [0.0, 0.0, f64::from(RATE), 0.0],
        patience: Duration::from_secs(1),
        trigger: None,
        warm_up: Duration::ZERO,
        length: Duration::from_secs(LENGTH),
        seed,
    };
    let tally = World::run(weather, &mut Outage, client);
    Counts {
        offered: tally.offered,
        attempts: tally.attempts,
        most: tally.most_attempts,
    }
}
