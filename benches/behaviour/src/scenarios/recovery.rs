//! How long after a trigger is all well again?

use super::trigger::{FROM, SETUPS, Setup, TO, recovers_after, simulate};
use crate::report::{Column, Report, Row, Table, Target, Value};
use crate::sim::Tally;
use crate::svg::{Axis, Bar, Bars, Plot};

/// The end, in seconds: five minutes after the trigger.
const LENGTH: u64 = TO + 300;
/// Ours is to be well within so many seconds.
const WANTED_S: f64 = 5.0;

pub(super) fn run(seed: u64) -> Report {
    let runs: Vec<(Setup, Tally)> = SETUPS
        .into_iter()
        .map(|setup| (setup, simulate(&setup, LENGTH, seed)))
        .collect();
    let bars = runs.iter().map(|(setup, tally)| {
        let after = recovers_after(tally);
        Bar {
            name: setup.name.to_owned(),
            ours: setup.ours,
            // A bar for nothing would not be seen.
            value: after.map(|after| after.as_secs_f64().max(0.3)),
            label: after.map_or(Value::Never, Value::Time).shown(),
        }
    });
    let full = recovers_after(&runs[0].1);
    Report {
        name: "recovery",
        title: "Recovery after a trigger",
        setting: "The trigger of the metastable loop, for more setups. Well again is the first of five \
                  seconds in which 95 % of what comes is answered in time; at most five minutes are \
                  waited for it. Lost is what was not answered in time, from the beginning of the \
                  trigger to a minute after it, of n = about \
                  49,000 requests."
            .to_owned(),
        tables: vec![Table {
            caption: "",
            columns: vec![
                Column::plain("well again after"),
                Column::with_ratio("requests lost"),
                Column::plain("attempts a request"),
            ],
            rows: runs.iter().map(|(setup, tally)| row(setup, tally)).collect(),
        }],
        notes: vec![
            "In steps of a second. In the trigger the server can do 250 of 700 requests a second, so \
             about 4,500 are lost whatever one does."
                .to_owned(),
        ],
        targets: vec![Target::at_most(
            "with shedder and budget all is well within five seconds",
            full.map_or(f64::INFINITY, |after| after.as_secs_f64()),
            WANTED_S,
            full.map_or_else(|| "never".to_owned(), |after| Value::Time(after).shown()),
        )],
        plot: Plot::Bars(Bars {
            x: Axis {
                label: "seconds until all is well again (log scale)",
                least: 0.2,
                most: 200.0,
                log: true,
            },
            bars: bars.collect(),
            mark: None,
        }),
    }
}

fn row(setup: &Setup, tally: &Tally) -> Row {
    let (from, to) = (FROM as usize, TO as usize + 60);
    let sum = |counts: &[u32]| -> u64 { counts[from..to].iter().copied().map(u64::from).sum() };
    let offered = sum(&tally.offered);
    let lost = offered.saturating_sub(sum(&tally.good));
    Row::new(
        setup.name,
        setup.how,
        vec![
            recovers_after(tally).map_or(Value::Never, Value::Time),
            Value::Count(lost),
            Value::Number(sum(&tally.attempts) as f64 / offered as f64, 2),
        ],
    )
}
