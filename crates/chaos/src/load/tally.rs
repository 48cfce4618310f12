//! The history of a load: every operation and how it ended.

use std::time::Duration;

use hdrhistogram::Histogram;
use ninefold_core::time::nanos;

/// The end of an operation; see the module for what each means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A complete answer below 500.
    Acked,
    /// It failed for certain.
    Failed,
    /// A complete answer below 500, and not the one that came before the fault. Counted as failed.
    Wrong,
    /// It may or may not have happened.
    Unknown,
    /// The driver could not start it: too much was in flight. Counted as unknown.
    Saturated,
}

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number, from 0.
    pub number: u64,
    /// Its intended start, in nanoseconds since the load began.
    pub intended_ns: u64,
    /// From its intended start to its end, in nanoseconds.
    pub latency_ns: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The status of its answer; 0 without a complete one.
    pub status: u16,
    /// Whether it carried an id.
    pub uses_id: bool,
    /// A hash of its answer, where answers are compared.
    pub print: Option<u64>,
}

/// Sums over the operations intended within a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub sent: u64,
    /// Acked.
    pub acked: u64,
    /// Failed, the wrong ones included.
    pub failed: u64,
    /// Of the failed: those with a wrong answer.
    pub wrong: u64,
    /// Unknown, the saturated ones included.
    pub unknown: u64,
    /// Of the unknown: those that the driver could not start.
    pub saturated: u64,
}

/// Latency of answered operations, from their intended start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// The median.
    pub p50: Duration,
    /// The 99th percentile.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

/// Counts over some records.
pub(crate) fn count<'a>(records: impl Iterator<Item = &'a Record>) -> Counts {
    let mut counts = Counts::default();
    for record in records {
        counts.sent += 1;
        match record.outcome {
            Outcome::Acked => counts.acked += 1,
            Outcome::Failed => counts.failed += 1,
            Outcome::Wrong => {
                counts.failed += 1;
                counts.wrong += 1;
            }
            Outcome::Unknown => counts.unknown += 1,
            Outcome::Saturated => {
                counts.unknown += 1;
                counts.saturated += 1;
            }
        }
    }
    counts
}

/// Percentiles of those that got a complete answer; nothing if none did. Three significant digits,
/// 1 us to 1 h.
pub(crate) fn latency<'a>(records: impl Iterator<Item = &'a Record>) -> Option<Latency> {
    let mut histogram = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3).ok()?;
    for record in records.filter(|record| record.status != 0) {
        histogram.saturating_record((record.latency_ns / 1_000).max(1));
    }
    (!histogram.is_empty()).then(|| Latency {
        p50: Duration::from_micros(histogram.value_at_quantile(0.5)),
        p99: Duration::from_micros(histogram.value_at_quantile(0.99)),
        max: Duration::from_micros(histogram.max()),
    })
}

/// The records whose intended start lies in `from..=to`, counted from the start of the load.
pub(crate) fn within(
    records: &[Record],
    from: Duration,
    to: Duration,
) -> impl Iterator<Item = &Record> + Clone {
    let (from, to) = (nanos(from), nanos(to));
    records
        .iter()
        .filter(move |record| (from..=to).contains(&record.intended_ns))
}

/// Operations in a window that the driver could not start.
pub(crate) fn saturated(records: &[Record], from: Duration, to: Duration) -> u64 {
    count(within(records, from, to)).saturated
}
