//! How many failures does a breaker need after a long time of health?

use std::time::Duration;

use crate::breakers::{Breaker, Ending, RealWait, with_all};
use crate::report::{Column, How, Report, Row, Table, Target, Value};
use crate::svg::{Axis, Bar, Bars, Plot};

const SUCCESSES: u64 = 1_000_000;
/// From one call to the next.
const STEP: Duration = Duration::from_millis(1);
/// More failures than this are as good as for ever.
const FAILURES_LIMIT: u64 = 3_000_000;
/// A window of 100 calls at 50 % is full of failures enough after so many.
const WANTED: u64 = 50;

pub(super) fn run() -> Report {
    let (mut rows, mut bars) = (Vec::new(), Vec::new());
    with_all(RealWait::Hour, &mut |breaker| {
        let failures = failures(breaker);
        let count = failures.map_or(Value::Never, Value::Count);
        let time = failures.map(|failures| STEP * u32::try_from(failures).unwrap_or(u32::MAX));
        bars.push(Bar {
            name: breaker.name().to_owned(),
            ours: breaker.name().starts_with("ninefold"),
            value: failures.map(|failures| failures as f64),
            label: count.shown(),
        });
        rows.push(Row::new(
            breaker.name(),
            How::Driven,
            vec![
                Value::Words(breaker.setting().to_owned()),
                count,
                time.map_or(Value::Never, Value::Time),
            ],
        ));
    });
    let seen = bars[0].value.unwrap_or(f64::INFINITY);
    Report {
        name: "trip",
        title: "Failures to trip after a million successes",
        setting: "1,000 calls a second. A million succeed, then all fail. Each breaker opens at 50 % \
                  failures, of the window that it has by default. Counted are the failures until it \
                  refuses a call."
            .to_owned(),
        tables: vec![Table {
            caption: "",
            columns: vec![
                Column::plain("window"),
                Column::with_ratio("failures until it opens"),
                Column::plain("time"),
            ],
            rows,
        }],
        notes: vec![
            "The time is failures at 1,000 a second. A window by time needs about half of it, \
             whatever the rate; a window by count needs 50 calls, whatever the time."
                .to_owned(),
            "tower-resilience's window by count starts anew only when the state changes, so it needs \
             as many failures as there were successes."
                .to_owned(),
        ],
        targets: vec![Target::at_most(
            "ours opens after half a window of 100 calls",
            seen,
            WANTED as f64,
            format!("{seen} failures"),
        )],
        plot: Plot::Bars(Bars {
            x: Axis {
                label: "failures until it opens (log scale)",
                least: 10.0,
                most: 1e6,
                log: true,
            },
            bars,
            mark: None,
        }),
    }
}

fn failures(breaker: &mut dyn Breaker) -> Option<u64> {
    for _ in 0..SUCCESSES {
        breaker.passes(STEP);
        assert!(breaker.calls(Ending::Succeeds), "closed while all is well");
    }
    (0..FAILURES_LIMIT).find(|_| {
        breaker.passes(STEP);
        !breaker.calls(Ending::Fails)
    })
}
