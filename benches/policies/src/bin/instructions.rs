//! `instructions CASE SUBJECT CALLS`: so many calls inside of `counted_calls`, for callgrind.
//!
//! The difference between two numbers of calls is what they cost, without what comes before.

use std::env;
use std::process::ExitCode;

use bench_policies::{Filter, Runner};

/// Calls before the first that counts.
const WARM_UP: u64 = 500;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let [case, name, calls] = words.as_slice() else {
        eprintln!("usage: instructions CASE SUBJECT CALLS");
        return ExitCode::from(2);
    };
    let Ok(calls) = calls.parse() else {
        eprintln!("`{calls}` is no number of calls");
        return ExitCode::from(2);
    };
    let filter = Filter {
        cases: vec![case.clone()],
        ..Filter::default()
    };
    let Some((_, subject)) = filter.subjects().find(|(_, s)| s.name() == *name) else {
        eprintln!("there is no `{name}` in `{case}`");
        return ExitCode::from(2);
    };
    for mut runner in subject.runners(1) {
        runner(WARM_UP);
        counted_calls(&mut runner, calls);
    }
    ExitCode::SUCCESS
}

/// What callgrind is told to collect, by this name.
#[inline(never)]
fn counted_calls(runner: &mut Runner, calls: u64) {
    runner(calls);
}
