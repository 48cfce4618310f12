//! What becomes of a half-open breaker whose probes never end?

use std::time::Duration;

use crate::breakers::{Breaker, Ending, RealWait, with_all};
use crate::report::{Column, How, Report, Row, Table, Target, Value};
use crate::svg::{Axis, Bar, Bars, Plot};

/// From one call to the next.
const STEP: Duration = Duration::from_millis(10);
/// Calls flow once so many in a row are admitted.
const FLOW: u64 = 100;
/// Longer than this is never.
const HORIZON: Duration = Duration::from_secs(3_600);
/// How long the dependency hangs in the second case.
const HANGS: Duration = Duration::from_secs(1);
/// Failures that trip every one of them.
const FAILURES_LIMIT: u64 = 100_000;
/// Half open 10 s, open 10 s again.
const WANTED: Duration = Duration::from_secs(30);

/// What a breaker did.
struct Seen {
    /// Calls that were sent into the hang.
    hung: u64,
    /// Until calls flowed.
    after: Option<Duration>,
}

pub(super) fn run() -> Report {
    let (mut one, mut all) = (Vec::new(), Vec::new());
    with_all(RealWait::Nothing, &mut |breaker| {
        one.push((breaker.name(), probe(breaker, |call, _| call == 0)));
    });
    with_all(RealWait::Nothing, &mut |breaker| {
        all.push(probe(breaker, |_, since| since < HANGS));
    });
    let (mut rows, mut bars) = (Vec::new(), Vec::new());
    for ((name, one), all) in one.into_iter().zip(all) {
        let value = |seen: &Seen| seen.after.map_or(Value::Never, Value::Time);
        bars.push(Bar {
            name: name.to_owned(),
            ours: name.starts_with("ninefold"),
            value: all.after.map(|after| after.as_secs_f64()),
            label: value(&all).shown(),
        });
        let cells = vec![value(&one), value(&all), Value::Count(all.hung)];
        rows.push(Row::new(name, How::Driven, cells));
    }
    let seen = bars[0].value.unwrap_or(f64::INFINITY);
    Report {
        name: "hung-probe",
        title: "A probe that hangs",
        setting: "The breaker has opened and its wait is over; a call comes every 10 ms. First case: \
                  the first call that it admits never ends, all others succeed. Second case: all \
                  calls of the first second never end. Counted is the time until calls flow, that \
                  is, until 100 calls in a row are admitted; at most an hour."
            .to_owned(),
        tables: vec![Table {
            caption: "",
            columns: vec![
                Column::plain("one hangs: calls flow after"),
                Column::plain("a second of hangs: calls flow after"),
                Column::plain("calls sent into the hang"),
            ],
            rows,
        }],
        notes: vec![
            "Ours judges what has not ended after 10 s half open as failed, opens for 10 s, and finds \
             the dependency well; in the first case four of five probes are enough."
                .to_owned(),
            "recloser and failsafe flow at once because they admit every call while they are half \
             open: a dependency that is not back gets the full load."
                .to_owned(),
            "seatbelt has its single-probe mode here: its default draws from a generator that cannot \
             be seeded."
                .to_owned(),
        ],
        targets: vec![Target::at_most(
            "probes that hang do not wedge ours",
            seen,
            WANTED.as_secs_f64(),
            format!("calls flow after {seen} s"),
        )],
        plot: Plot::Bars(Bars {
            x: Axis {
                label: "seconds until calls flow, after a second of hanging calls (log scale)",
                least: 0.01,
                most: 1_000.0,
                log: true,
            },
            bars,
            mark: None,
        }),
    }
}

fn probe(breaker: &mut dyn Breaker, hangs: impl Fn(u64, Duration) -> bool) -> Seen {
    for _ in 0..FAILURES_LIMIT {
        breaker.passes(Duration::from_millis(1));
        // Whether it opened shows in a call that it refuses; without a wait it never does.
        if !breaker.calls(Ending::Fails) || breaker.open_wait().is_zero() && is_half_open(breaker) {
            break;
        }
    }
    breaker.passes(breaker.open_wait() + Duration::from_millis(1));
    let (mut since, mut admitted, mut in_a_row, mut hung) = (Duration::ZERO, 0, 0, 0);
    while since < HORIZON {
        match breaker.begins() {
            Some(_) if hangs(admitted, since) => {
                (hung, admitted, in_a_row) = (hung + 1, admitted + 1, in_a_row + 1);
            }
            Some(call) => {
                breaker.ends(call, Ending::Succeeds);
                (admitted, in_a_row) = (admitted + 1, in_a_row + 1);
            }
            None => in_a_row = 0,
        }
        if in_a_row == FLOW {
            let begun = since.saturating_sub(STEP * (FLOW as u32 - 1));
            return Seen {
                hung,
                after: Some(begun),
            };
        }
        breaker.passes(STEP);
        since += STEP;
    }
    Seen { hung, after: None }
}

/// Whether a breaker admits one call at a time. What is cancelled leaves no trace.
fn is_half_open(breaker: &mut dyn Breaker) -> bool {
    let (first, second) = (breaker.begins(), breaker.begins());
    let half_open = first.is_some() && second.is_none();
    for call in [first, second].into_iter().flatten() {
        breaker.ends(call, Ending::Cancelled);
    }
    half_open
}
