//! The simulation itself: it is repeatable, and right where theory says what is right.

use std::time::Duration;

use super::overload::SERVICE;
use super::{amplification, metastable};
use crate::clients::Never;
use crate::gates::Open;
use crate::report::{json, markdown, text};
use crate::sim::{Service, Tally, Weather, World};

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
    let files = |seed| {
        let reports = [metastable::run(seed), amplification::run(seed)];
        let mut files: Vec<String> = reports.iter().map(text).collect();
        files.extend(reports.iter().map(|report| report.plot.draw(report.title)));
        files.push(markdown(&reports, seed, "r"));
        files.push(json(&reports, seed, "r").to_string());
        files
    };
    assert_eq!(files(3), files(3));
    assert!(files(3).iter().zip(&files(4)).all(|(a, b)| a != b));
}

fn bare(service: Service, rate: f64) -> Tally {
    let weather = Weather {
        service,
        rates: [0.0, 0.0, rate, 0.0],
        patience: Duration::from_secs(10),
        trigger: None,
        warm_up: Duration::from_secs(10),
        length: Duration::from_secs(400),
        seed: 5,
    };
    World::run(weather, &mut Open, &mut Never)
}

/// M/M/1 (Kleinrock, "Queueing Systems", 1975, section 3.2): the time in the system is exponential
/// with the mean 1 / (capacity - rate).
#[test]
fn one_worker_is_as_slow_as_theory_says() {
    let service = Service {
        workers: 1,
        least: Duration::ZERO,
        mean: Duration::from_millis(10),
    };
    let tally = bare(service, 50.0);
    let took = &tally.levels[2].took;
    let mean = took.iter().sum::<u64>() as f64 / took.len() as f64 / 1e9;
    assert!((mean - 0.02).abs() < 0.002, "{mean}");
    let p99 = tally.levels[2].took(0.99).unwrap().as_secs_f64();
    assert!((p99 - 0.02 * 100f64.ln()).abs() < 0.015, "{p99}");
}

#[test]
fn what_comes_is_answered_or_given_up() {
    let tally = bare(SERVICE, 500.0);
    let level = &tally.levels[2];
    assert_eq!(level.answered, level.offered);
    let per_second = tally.goodput(10);
    assert!((per_second - 500.0).abs() < 10.0, "{per_second}");
    let overloaded = bare(SERVICE, 1_500.0);
    let level = &overloaded.levels[2];
    assert_eq!(level.answered + level.timed_out, level.offered);
    assert!(level.answered < level.offered / 10, "{}", level.answered);
}
