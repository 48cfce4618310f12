//! What is answered, and to whom, when more comes than can be done?

use std::time::Duration;

use ninefold_core::policy::Criticality;

use super::protected::{CODEL, NOTHING, PROTECTIONS, Protection, WORKERS};
use crate::clients::{Client, Never, WithoutBudget};
use crate::report::{Column, Report, Row, Table, Target, Value};
use crate::sim::{Service, Tally, Weather, World};
use crate::svg::{Axis, Lines, Mark, Plot, Series};

/// Loads of the plot, in capacities.
const LOADS: [f64; 9] = [0.5, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0];
/// Loads of the tables.
const TWICE: usize = 5;
const TENFOLD: usize = 8;
/// Seconds that are not counted, and all.
const WARM_UP: u64 = 10;
const LENGTH: u64 = 50;
/// Requests a second that matter, whatever else comes: by rank, without the sheddable.
const IMPORTANT: [f64; 3] = [200.0, 300.0, 100.0];
/// Targets: goodput in capacities, and a percentile in those of an idle server.
const GOODPUT: f64 = 0.95;
const SLOWER: f64 = 2.0;
/// Of those who matter this share is to be answered, and at most this of the sheddable at ten times
/// the load.
const ANSWERED: f64 = 0.99;

/// One protection under all loads.
struct Course {
    protection: Protection,
    by_load: Vec<Tally>,
    /// Ten times the load, and callers that ask again.
    retried: Tally,
}

pub(super) const SERVICE: Service = Service {
    workers: WORKERS,
    least: Duration::from_millis(5),
    mean: Duration::from_millis(10),
};

pub(super) fn run(seed: u64) -> Report {
    let courses: Vec<Course> = PROTECTIONS
        .into_iter()
        .map(|protection| Course {
            protection,
            by_load: LOADS
                .iter()
                .map(|load| simulate(protection, *load, &mut Never, seed))
                .collect(),
            retried: simulate(protection, 10.0, &mut WithoutBudget::new(3, seed), seed),
        })
        .collect();
    let idle = simulate(NOTHING, 0.1, &mut Never, seed);
    let idle = idle.critical().took(0.99).unwrap_or_default();
    Report {
        name: "overload",
        title: "Overload",
        setting: format!(
            "A server of {WORKERS} workers; a call takes 5 ms and an exponential 5 ms on top, so it can \
             do 1,000 a second. Callers give up after 200 ms, and the server is not told. Requests come \
             at random: 100 a second critical-plus, 300 critical, 200 sheddable-plus, and the rest, up \
             to ten times the capacity in all, sheddable. Goodput is what is answered while its caller \
             waits, of the capacity. Limits are the server's {WORKERS} where a number is to be given. A \
             run lasts {LENGTH} s, the first {WARM_UP} s of which are not counted: n is about 400,000 \
             requests at ten times the load, 80,000 at twice. An \
             idle server's p99 is {}.",
            Value::Time(idle).shown()
        ),
        tables: tables(&courses),
        notes: notes(),
        targets: targets(&courses, idle),
        plot: plot(&courses),
    }
}

fn notes() -> Vec<String> {
    [
        "p50 and p99 are of what was answered: where little is, they say little.",
        "The adaptive limiter alone, tower, congestion-limiter and tower-acc do not know who is \
         calling, so they refuse the same share of everybody.",
        "tower-acc's algorithms are its own; the semaphore around them is modelled, as its service \
         reads the machine's clock.",
        "congestion-limiter's gradient is left out: in this simulation version 0.1.0 panics, on a \
         subtraction of durations.",
        "A server that takes longer than callers wait is told so (a failure, an overload, an error) \
         where a policy wants to know.",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn tables(courses: &[Course]) -> Vec<Table> {
    let mut goodput = vec![];
    for course in courses {
        let share = |tally: &Tally| Value::Share(goodput_of(tally));
        goodput.push(Row::new(
            course.protection.name,
            course.protection.how,
            vec![
                share(&course.by_load[0]),
                share(&course.by_load[2]),
                share(&course.by_load[TWICE]),
                share(&course.by_load[TENFOLD]),
                share(&course.retried),
            ],
        ));
    }
    let goodput = Table {
        caption: "Goodput, of the capacity, at a load of …",
        columns: vec![
            Column::plain("0.5×"),
            Column::plain("1×"),
            Column::plain("2×"),
            Column::with_ratio("10×"),
            Column::with_ratio("10×, callers try three times"),
        ],
        rows: goodput,
    };
    let at = |caption, tally: &dyn Fn(&Course) -> Tally| by_level(caption, courses, tally);
    vec![
        goodput,
        at("At 2×, by criticality: answered, and how soon", &|course| {
            course.by_load[TWICE].clone()
        }),
        at(
            "At 10×, by criticality: answered, and how soon",
            &|course| course.by_load[TENFOLD].clone(),
        ),
        at(
            "At 10× with callers that try three times: answered, and how soon",
            &|course| course.retried.clone(),
        ),
    ]
}

fn by_level(caption: &'static str, courses: &[Course], tally: &dyn Fn(&Course) -> Tally) -> Table {
    let rows = courses.iter().map(|course| {
        let tally = tally(course);
        let mut cells = Vec::new();
        for level in Criticality::ALL.into_iter().rev() {
            let seen = tally.of(level);
            cells.push(Value::share(seen.answered_share()));
            cells.push(Value::time(seen.took(0.5)));
            cells.push(Value::time(seen.took(0.99)));
        }
        Row::new(course.protection.name, course.protection.how, cells)
    });
    Table {
        caption,
        columns: [
            "critical-plus answered",
            "critical-plus p50",
            "critical-plus p99",
            "critical answered",
            "critical p50",
            "critical p99",
            "sheddable-plus answered",
            "sheddable-plus p50",
            "sheddable-plus p99",
            "sheddable answered",
            "sheddable p50",
            "sheddable p99",
        ]
        .map(Column::plain)
        .to_vec(),
        rows: rows.collect(),
    }
}

fn targets(courses: &[Course], idle: Duration) -> Vec<Target> {
    let of = |name: &str| {
        courses
            .iter()
            .find(|course| course.protection.name == name)
            .unwrap_or(&courses[0])
    };
    let (ours, nothing) = (of(CODEL.name), of(NOTHING.name));
    let tally = &ours.by_load[TENFOLD];
    let goodput = goodput_of(tally);
    let critical = tally.critical();
    let p99 = critical.took(0.99).unwrap_or(Duration::MAX);
    let slower = p99.as_secs_f64() / idle.as_secs_f64();
    let answered = critical.answered_share().unwrap_or(0.0);
    let collapsed = goodput_of(&nothing.by_load[TENFOLD]);
    let shown = |share: f64| Value::Share(share).shown();
    vec![
        Target::at_least(
            "at ten times the load ours answers 95 % of the capacity in time",
            goodput,
            GOODPUT,
            shown(goodput),
        ),
        Target::at_most(
            "then the critical p99 is within twice that of an idle server",
            slower,
            SLOWER,
            format!("{slower:.2}×, {}", Value::Time(p99).shown()),
        ),
        Target::at_least(
            "then 99 % of the critical are answered: the sheddable take the loss",
            answered,
            ANSWERED,
            shown(answered),
        ),
        Target::at_most(
            "without a shedder the server collapses",
            collapsed,
            0.1,
            shown(collapsed),
        ),
    ]
}

fn plot(courses: &[Course]) -> Plot {
    let drawn = courses.iter().filter(|course| course.protection.drawn);
    let series = drawn.map(|course| Series {
        name: course.protection.name.to_owned(),
        ours: course.protection.ours,
        points: LOADS
            .iter()
            .zip(&course.by_load)
            .map(|(load, tally)| (*load, goodput_of(tally) * 100.0))
            .collect(),
    });
    Plot::Lines(Lines {
        x: Axis {
            label: "load, in capacities (log scale)",
            least: LOADS[0],
            most: LOADS[TENFOLD],
            log: true,
        },
        y: Axis {
            label: "goodput, % of capacity",
            least: 0.0,
            most: 105.0,
            log: false,
        },
        series: series.collect(),
        band: None,
        mark: Some(Mark {
            at: GOODPUT * 100.0,
            text: "target",
        }),
    })
}

fn goodput_of(tally: &Tally) -> f64 {
    tally.goodput(WARM_UP as usize) / SERVICE.capacity()
}

fn simulate(protection: Protection, load: f64, client: &mut dyn Client, seed: u64) -> Tally {
    let all = load * SERVICE.capacity();
    let important: f64 = IMPORTANT.iter().sum();
    // Below the capacity all levels shrink together.
    let scale = load.min(1.0);
    let mut rates = [0.0; 4];
    for (rate, usual) in rates.iter_mut().skip(1).zip(IMPORTANT) {
        *rate = usual * scale;
    }
    rates[0] = all - important * scale;
    let weather = Weather {
        service: SERVICE,
        rates,
        patience: Duration::from_millis(200),
        trigger: None,
        warm_up: Duration::from_secs(WARM_UP),
        length: Duration::from_secs(LENGTH),
        seed,
    };
    World::run(weather, &mut *(protection.gate)(), client)
}
