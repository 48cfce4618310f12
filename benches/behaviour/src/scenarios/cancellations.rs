//! What do callers that give up do to breakers and places?

use std::time::Duration;

use super::places::{PLACES, Places, with_all as with_all_places};
use crate::breakers::{Breaker, Ending, RealWait, with_all};
use crate::report::{Column, How, Report, Row, Table, Target, Value};
use crate::svg::{Axis, Bar, Bars, Mark, Plot};

/// Calls that are given up, one a millisecond: a minute.
const CANCELLED: u64 = 60_000;
/// Calls that succeed before.
const BEFORE: u64 = 1_000;
/// Calls that are under way at once.
const AT_ONCE: usize = 50;
const STEP: Duration = Duration::from_millis(1);

pub(super) fn run() -> Report {
    let (mut rows, mut bars) = (Vec::new(), Vec::new());
    with_all(RealWait::Hour, &mut |breaker| {
        let (refused, admitted) = storm(breaker);
        let cells = vec![
            Value::Words("breaker".to_owned()),
            Value::Count(refused),
            Value::Count(admitted),
        ];
        bars.push(bar(breaker.name(), "breaker", admitted));
        rows.push(Row::new(breaker.name(), How::Driven, cells));
    });
    with_all_places(&mut |places| {
        let (refused, left) = storm_of_places(places);
        let cells = vec![
            Value::Words("places".to_owned()),
            Value::Count(refused),
            Value::Count(left),
        ];
        bars.push(bar(places.name(), "places", left));
        rows.push(Row::new(places.name(), How::Driven, cells));
    });
    let ours = bars.iter().filter(|bar| bar.ours);
    let least = ours
        .filter_map(|bar| bar.value)
        .fold(f64::INFINITY, f64::min);
    Report {
        name: "cancellations",
        title: "A storm of cancellations",
        setting: format!(
            "A dependency is slow but well, and its callers have no patience: after 1,000 calls \
             that succeed, 60,000 calls in a row are given up before they are answered, 1,000 a \
             second and {AT_ONCE} at once. Then 100 calls come, all at once. A breaker at 50 % \
             should admit them all, as nothing has failed; of a limit of {PLACES} places none should \
             be lost."
        ),
        tables: vec![Table {
            caption: "",
            columns: vec![
                Column::plain("policy"),
                Column::plain("refused in the storm"),
                Column::plain("admitted of the next 100"),
            ],
            rows,
        }],
        notes: vec![
            "seatbelt counts calls that are given up as failed once nothing else is left in its \
             window of 30 s. It says so, and it can be set otherwise."
                .to_owned(),
        ],
        targets: vec![Target::at_least(
            "ours is neither tripped nor robbed of places by cancellations",
            least,
            100.0,
            format!("{least} of 100 admitted, at the least"),
        )],
        plot: Plot::Bars(Bars {
            x: Axis {
                label: "calls admitted of the 100 after the storm",
                least: 0.0,
                most: 100.0,
                log: false,
            },
            bars,
            mark: Some(Mark {
                at: 100.0,
                text: "all",
            }),
        }),
    }
}

fn bar(name: &str, what: &str, admitted: u64) -> Bar {
    Bar {
        name: format!("{name}, {what}"),
        ours: name.starts_with("ninefold"),
        value: Some(admitted as f64),
        label: Value::Count(admitted).shown(),
    }
}

/// Refused in the storm, and admitted after it.
fn storm(breaker: &mut dyn Breaker) -> (u64, u64) {
    for _ in 0..BEFORE {
        breaker.passes(STEP);
        breaker.calls(Ending::Succeeds);
    }
    let mut running = std::collections::VecDeque::new();
    let mut refused = 0;
    for _ in 0..CANCELLED {
        breaker.passes(STEP);
        match breaker.begins() {
            Some(call) => running.push_back(call),
            None => refused += 1,
        }
        if running.len() > AT_ONCE
            && let Some(call) = running.pop_front()
        {
            breaker.ends(call, Ending::Cancelled);
        }
    }
    for call in running {
        breaker.ends(call, Ending::Cancelled);
    }
    let after: Vec<u64> = (0..100).filter_map(|_| breaker.begins()).collect();
    (refused, after.len() as u64)
}

fn storm_of_places(places: &mut dyn Places) -> (u64, u64) {
    let mut running = std::collections::VecDeque::new();
    let mut refused = 0;
    for _ in 0..CANCELLED {
        match places.takes() {
            Some(place) => running.push_back(place),
            None => refused += 1,
        }
        if running.len() > AT_ONCE
            && let Some(place) = running.pop_front()
        {
            places.cancels(place);
        }
    }
    for place in running {
        places.cancels(place);
    }
    let after: Vec<u64> = (0..100).filter_map(|_| places.takes()).collect();
    (refused, after.len() as u64)
}
