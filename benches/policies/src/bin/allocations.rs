//! `allocations [--cases A,B] [--subject TEXT]`: what a call allocates, as one JSON object a line.

use std::alloc::System;
use std::env;
use std::process::ExitCode;

use bench_policies::{Filter, Subject};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Calls before the first that counts, for windows to fill and buffers to grow.
const WARM_UP: u64 = 20_000;
/// Calls that count.
const CALLS: u32 = 10_000;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let filter = match Filter::parse(&words) {
        Ok((filter, rest)) if rest.is_empty() => filter,
        Ok((_, rest)) => {
            eprintln!(
                "`{}` is none of --cases A,B and --subject TEXT",
                rest.join(" ")
            );
            return ExitCode::from(2);
        }
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    for (case, subject) in filter.subjects() {
        let (count, bytes) = of(&subject);
        println!(
            "{}",
            json!({
                "case": case.name(),
                "about": case.about(),
                "subject": subject.name(),
                "library": subject.library,
                "surface": subject.surface.name(),
                "heard": subject.heard,
                "note": subject.note,
                "allocations": count,
                "bytes": bytes,
            })
        );
    }
    ExitCode::SUCCESS
}

/// Allocations and bytes of one call, as means.
fn of(subject: &Subject) -> (f64, f64) {
    let mut runners = subject.runners(1);
    for runner in &mut runners {
        runner(WARM_UP);
    }
    // The difference of two batches, without what a batch itself needs.
    let [one, two] = [1, 2].map(|batch| {
        let region = Region::new(ALLOCATOR);
        for runner in &mut runners {
            runner(u64::from(batch * CALLS));
        }
        let change = region.change();
        [
            change.allocations + change.reallocations,
            change.bytes_allocated,
        ]
    });
    let mean = |one: usize, two: usize| two.saturating_sub(one) as f64 / f64::from(CALLS);
    let ([one_count, one_bytes], [two_count, two_bytes]) = (one, two);
    (mean(one_count, two_count), mean(one_bytes, two_bytes))
}
