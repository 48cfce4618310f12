//! All figures of one run.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::isolation::{Touch, isolated, returned, share};
use super::percentile::percentile_ms;
use crate::backend::Arrival;
use crate::load::Record;
use crate::row::{AFTER, Row, SETTLED, WARM};
use crate::script::BAD;

/// A request that takes longer than this many times the 99th percentile before is hurt.
const SLOWER: f64 = 3.0;
/// How long answers must be good for a recovery.
const GOOD: Duration = Duration::from_millis(500);

/// What was taken down in one run.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    /// What became of each request.
    pub(crate) records: Vec<Record>,
    /// What each replica saw, by the time from the start of the load.
    pub(crate) arrivals: Vec<Vec<Arrival>>,
}

/// One run in figures; those that do not belong to its row are missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    /// Requests from the fault to the end of the run.
    pub(crate) sent: usize,
    /// Of these: without a good answer within the client's patience.
    pub(crate) failed: usize,
    /// Of these: failed, or much slower than before.
    pub(crate) hurt: usize,
    p50_before_ms: Option<f64>,
    p99_before_ms: Option<f64>,
    p50_during_ms: Option<f64>,
    p99_during_ms: Option<f64>,
    /// From five seconds after the fault to its end.
    p99_settled_ms: Option<f64>,
    /// Seconds from the fault to its isolation; nothing where that never came.
    isolated_s: Option<f64>,
    /// Seconds from the end of the fault until the replica has half its fair share again; nothing
    /// where it has not within the run.
    back_s: Option<f64>,
    /// Good answers in overload over what the replicas can answer, in percent.
    goodput_pct: Option<f64>,
    /// Critical requests that failed in overload, in percent.
    critical_failed_pct: Option<f64>,
    /// Seconds from the end of an overload until all is well again.
    recovered_s: Option<f64>,
    /// POSTs that more than one replica, or one more than once, was given.
    twice: Option<usize>,
    /// How late the load itself was, 99th percentile.
    driver_late_p99_ms: Option<f64>,
}

impl Figures {
    pub(crate) fn new(row: Row, taken: &Taken) -> Self {
        let (from, to) = (row.begins(), row.begins() + row.fault());
        let within = |from: Duration, to: Duration| {
            let records = taken.records.iter();
            let records: Vec<Record> = records
                .filter(|r| (from..to).contains(&r.due))
                .copied()
                .collect();
            records
        };
        let before = within(WARM, from);
        let during = within(from, to);
        let all = within(from, to + AFTER);
        let p99_before_ms = latency(&before, 99);
        let slow_ms = p99_before_ms.unwrap_or_default() * SLOWER;
        let hurt = |record: &Record| !record.ok() || record.took.as_secs_f64() * 1e3 > slow_ms;
        let overload = row.overload().is_some();
        let late = all.iter().map(|record| record.late).collect();
        Self {
            sent: all.len(),
            failed: all.iter().filter(|record| !record.ok()).count(),
            hurt: all.iter().filter(|record| hurt(record)).count(),
            p50_before_ms: latency(&before, 50),
            p99_before_ms,
            p50_during_ms: latency(&during, 50),
            p99_during_ms: latency(&during, 99),
            p99_settled_ms: latency(&within(from + SETTLED, to), 99),
            isolated_s: isolation(row, taken, &during, &hurt).map(|t| t.as_secs_f64()),
            back_s: back(row, taken).map(|t| t.as_secs_f64()),
            goodput_pct: overload.then(|| goodput_pct(row, &taken.records)),
            critical_failed_pct: overload.then(|| critical_failed_pct(&during)),
            recovered_s: overload
                .then(|| recovered(&within(to, to + AFTER), to))
                .flatten(),
            twice: matches!(row, Row::PostKills).then(|| twice(&taken.arrivals)),
            driver_late_p99_ms: percentile_ms(late, 99),
        }
    }

    /// As JSON, with the same names.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "sent": self.sent,
            "failed": self.failed,
            "hurt": self.hurt,
            "p50_before_ms": self.p50_before_ms,
            "p99_before_ms": self.p99_before_ms,
            "p50_during_ms": self.p50_during_ms,
            "p99_during_ms": self.p99_during_ms,
            "p99_settled_ms": self.p99_settled_ms,
            "isolated_s": self.isolated_s,
            "back_s": self.back_s,
            "goodput_pct": self.goodput_pct,
            "critical_failed_pct": self.critical_failed_pct,
            "recovered_s": self.recovered_s,
            "twice": self.twice,
            "driver_late_p99_ms": self.driver_late_p99_ms,
        })
    }
}

/// Of good answers, in milliseconds from the intended start.
fn latency(records: &[Record], percent: usize) -> Option<f64> {
    let good = records.iter().filter(|record| record.ok());
    percentile_ms(good.map(|record| record.took).collect(), percent)
}

/// By the requests that the bad replica was given, where it lives on and tells; else by those that
/// were hurt.
fn isolation(
    row: Row,
    taken: &Taken,
    during: &[Record],
    hurt: &impl Fn(&Record) -> bool,
) -> Option<Duration> {
    let (from, to) = (row.begins(), row.begins() + row.fault());
    if row.bad().is_some() {
        return isolated(attempts(taken), from, to);
    }
    if matches!(row, Row::Kill | Row::Hang | Row::Zone) {
        let touches = during.iter().map(|record| (record.due, hurt(record)));
        return isolated(touches.collect(), from, to);
    }
    None
}

/// When the bad replica has its traffic again.
fn back(row: Row, taken: &Taken) -> Option<Duration> {
    if row.bad().is_none() && !matches!(row, Row::Kill | Row::Hang) {
        return None;
    }
    let to = row.begins() + row.fault();
    let fair = share(1, row.replicas());
    returned(attempts(taken), to, to + AFTER, fair / 2.0)
}

/// All attempts, and whether the bad replica had them.
fn attempts(taken: &Taken) -> Vec<Touch> {
    let replicas = taken.arrivals.iter().enumerate();
    let touches = replicas.flat_map(|(replica, arrivals)| {
        let touched = replica == BAD;
        arrivals.iter().map(move |arrival| (arrival.at, touched))
    });
    touches.collect()
}

/// Good answers given while the fault lasted, whenever they were asked for: what a queue answers after
/// the fault is nothing that was done during it.
fn goodput_pct(row: Row, records: &[Record]) -> f64 {
    let fault = row.begins()..row.begins() + row.fault();
    let given = |record: &&Record| record.ok() && fault.contains(&(record.due + record.took));
    let good = records.iter().filter(given).count();
    let good = f64::from(u32::try_from(good).unwrap_or(u32::MAX));
    100.0 * good / (row.capacity_hz() * row.fault().as_secs_f64())
}

fn critical_failed_pct(during: &[Record]) -> f64 {
    let critical: Vec<&Record> = during.iter().filter(|record| record.critical).collect();
    let failed = critical.iter().filter(|record| !record.ok()).count();
    100.0 * share(failed, critical.len())
}

/// From `from` until no request fails for a while.
fn recovered(after: &[Record], from: Duration) -> Option<f64> {
    let failed = after.iter().filter(|record| !record.ok());
    let last = failed.map(|record| record.due - from).max();
    let last = last.unwrap_or_default();
    (last + GOOD <= AFTER).then_some(last.as_secs_f64())
}

fn twice(arrivals: &[Vec<Arrival>]) -> usize {
    let mut seen = BTreeMap::new();
    for arrival in arrivals.iter().flatten() {
        if arrival.id != "-" {
            *seen.entry(arrival.id.as_str()).or_insert(0usize) += 1;
        }
    }
    seen.values().filter(|times| **times > 1).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(due_ms: u64, took_ms: u64, status: u16) -> Record {
        Record {
            due: Duration::from_millis(due_ms),
            late: Duration::ZERO,
            took: Duration::from_millis(took_ms),
            status,
            critical: due_ms.is_multiple_of(100),
        }
    }

    #[test]
    fn before_and_during_are_told_apart() {
        // Every 10 ms; from the fault at 4 s on, for two seconds, one in four fails and the others
        // are slow.
        let records = (0..14_000).step_by(10).map(|at| match at {
            3_500..5_500 if at % 40 == 0 => record(at, 3_000, 0),
            3_500..5_500 => record(at, 100, 200),
            _ => record(at, 10, 200),
        });
        let taken = Taken {
            records: records.collect(),
            arrivals: Vec::new(),
        };
        let figures = Figures::new(Row::Kill, &taken);
        assert_eq!(
            (figures.sent, figures.failed, figures.hurt),
            (1_050, 50, 200)
        );
        assert_eq!(figures.p99_before_ms, Some(10.0));
        assert_eq!(figures.p99_during_ms, Some(100.0));
        assert_eq!(figures.p99_settled_ms, Some(10.0));
        let isolated = figures.isolated_s.unwrap();
        assert!((1.9..2.0).contains(&isolated), "{isolated}");
        assert_eq!(figures.goodput_pct, None);
    }

    #[test]
    fn goodput_is_told_by_what_the_replicas_can_do() {
        // 600/s for four seconds can be answered; a quarter of it is.
        let during: Vec<Record> = (0..1_200)
            .map(|n| record(4_000 + n, 5, if n % 2 == 0 { 200 } else { 503 }))
            .collect();
        assert_eq!(goodput_pct(Row::Overload10, &during), 25.0);
        let begins = u64::try_from(Row::Overload10.begins().as_millis()).unwrap();
        let outside = [
            record(begins - 100, 50, 200),
            record(begins + 3_900, 200, 200),
        ];
        assert_eq!(goodput_pct(Row::Overload10, &outside), 0.0);
        assert_eq!(critical_failed_pct(&during), 0.0);
        assert_eq!(
            recovered(&[record(8_000, 5, 200)], Duration::from_secs(8)),
            Some(0.0)
        );
        assert_eq!(
            recovered(&[record(10_900, 5, 503)], Duration::from_secs(8)),
            None
        );
    }

    #[test]
    fn a_request_that_came_twice_is_counted_once() {
        let arrival = |id: &str| Arrival {
            at: Duration::ZERO,
            id: id.to_owned(),
        };
        let arrivals = [
            vec![arrival("1"), arrival("2"), arrival("-")],
            vec![arrival("2"), arrival("-"), arrival("2")],
        ];
        assert_eq!(twice(&arrivals), 1);
    }
}
