//! Does an overload outlive its cause?

use super::trigger::{
    BUDGET, FROM, GUARD, LOOP, RATES, SHEDDER, SLOWDOWN, Setup, TO, recovers_after, simulate,
};
use crate::report::{Column, Report, Row, Table, Target, Value};
use crate::sim::Tally;
use crate::svg::{Axis, Band, Lines, Mark, Plot, Series};

/// The end, in seconds.
const LENGTH: u64 = 120;
/// The guard is to end the loop within so many seconds.
const WANTED_S: f64 = 30.0;

pub(super) fn run(seed: u64) -> Report {
    let runs: Vec<(Setup, Tally)> = [GUARD, BUDGET, SHEDDER, LOOP]
        .into_iter()
        .map(|setup| (setup, simulate(&setup, LENGTH, seed)))
        .collect();
    let rate: f64 = RATES.iter().sum();
    let rows = runs.iter().map(|(setup, tally)| row(setup, tally));
    let after = |name| {
        let run = runs.iter().find(|(setup, _)| setup.name == name);
        run.and_then(|(_, tally)| recovers_after(tally))
    };
    let guarded = after(GUARD.name);
    let stands = after(LOOP.name).is_none();
    Report {
        name: "metastable",
        title: "The metastable loop",
        setting: format!(
            "The server of the overload, at {rate} requests a second of the 1,000 it can do. From \
             second {FROM} to {TO} its calls take {SLOWDOWN} times as long. Callers give up after \
             200 ms and try three times in all, which is up to 2,100 attempts a second: more than it \
             can do. So when the trigger is over, the server goes on to work for callers that have \
             given up. A run lasts {LENGTH} s, n is about 84,000 requests."
        ),
        tables: vec![Table {
            caption: "",
            columns: vec![
                Column::plain("answered in the last 30 s"),
                Column::plain("attempts a request then"),
                Column::plain("well again after"),
            ],
            rows: rows.collect(),
        }],
        notes: vec![
            "Each of ours is alone here: the guard with callers that have no budget, the budget with \
             a server that takes in everything, the shedder with callers that have none."
                .to_owned(),
        ],
        targets: vec![
            Target {
                what: "without the guard the loop stands",
                seen: if stands {
                    "it does, to the end".to_owned()
                } else {
                    "it ends by itself".to_owned()
                },
                met: stands,
            },
            Target::at_most(
                "the guard ends it within half a minute",
                guarded.map_or(f64::INFINITY, |after| after.as_secs_f64()),
                WANTED_S,
                guarded.map_or_else(|| "never".to_owned(), |after| Value::Time(after).shown()),
            ),
        ],
        plot: plot(&runs),
    }
}

fn row(setup: &Setup, tally: &Tally) -> Row {
    let from = (LENGTH - 30) as usize;
    let offered: f64 = tally.offered[from..].iter().copied().map(f64::from).sum();
    let good: f64 = tally.good[from..].iter().copied().map(f64::from).sum();
    Row::new(
        setup.name,
        setup.how,
        vec![
            Value::Share(good / offered),
            Value::Number(tally.amplification(from), 2),
            recovers_after(tally).map_or(Value::Never, Value::Time),
        ],
    )
}

fn plot(runs: &[(Setup, Tally)]) -> Plot {
    let series = runs.iter().map(|(setup, tally)| Series {
        name: setup.name.to_owned(),
        ours: setup.ours,
        points: tally
            .good
            .iter()
            .enumerate()
            .map(|(second, good)| (second as f64, f64::from(*good)))
            .collect(),
    });
    Plot::Lines(Lines {
        x: Axis {
            label: "time, seconds",
            least: 0.0,
            most: LENGTH as f64,
            log: false,
        },
        y: Axis {
            label: "answered in time, requests a second",
            least: 0.0,
            most: 1_000.0,
            log: false,
        },
        series: series.collect(),
        band: Some(Band {
            from: FROM as f64,
            to: TO as f64,
            text: "four times as slow",
        }),
        mark: Some(Mark {
            at: RATES.iter().sum(),
            text: "what comes",
        }),
    })
}
