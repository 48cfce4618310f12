//! Many seeds of drawn faults: `cargo xtask soak`.
//!
//! ```text
//! soak [--first N] [--seeds N] [--nodes N]
//! ```
//!
//! Prints each broken invariant with the plan and what runs it again, and at the end how many seeds there were.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use ninefold_sim::soak::Soak;

#[derive(Clone, Copy, Debug)]
struct Options {
    first: u64,
    seeds: u64,
    nodes: Option<u32>,
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(why) => {
            drop(writeln!(io::stderr(), "error: {why}"));
            return ExitCode::from(2);
        }
    };
    let broken = run(options);
    let seeds = options.seeds;
    let said = writeln!(io::stdout(), "{seeds} seeds, {broken} broken");
    if said.is_ok() && broken == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// How many seeds broke something.
fn run(options: Options) -> u64 {
    let (next, broken) = (AtomicU64::new(options.first), Mutex::new(0));
    let end = options.first.saturating_add(options.seeds);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let Some(text) = failure(seed, options.nodes) else {
                continue;
            };
            if let Ok(mut broken) = broken.lock() {
                *broken += 1;
                drop(writeln!(io::stdout(), "{text}"));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    broken.into_inner().unwrap_or(options.seeds)
}

/// What broke, with what runs it again.
fn failure(seed: u64, nodes: Option<u32>) -> Option<String> {
    let more = nodes.map_or_else(String::new, |nodes| format!(" --nodes {nodes}"));
    let again = format!("cargo xtask soak --first {seed} --seeds 1{more}");
    match Soak::new(seed, nodes) {
        Ok(soak) => {
            let failure = soak.run().err()?;
            Some(format!("{failure}\n{again}\n{}", soak.plan))
        }
        Err(why) => Some(format!("{why}\n{again}")),
    }
}

fn options(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        first: 1,
        seeds: 200,
        nodes: None,
    };
    while let Some(word) = words.next() {
        let value = words
            .next()
            .ok_or_else(|| format!("`{word}` is no option, or needs a value"))?;
        let number: u64 = value
            .parse()
            .map_err(|why| format!("`{word} {value}`: {why}"))?;
        match word.as_str() {
            "--first" => options.first = number,
            "--seeds" => options.seeds = number,
            "--nodes" if (4..=1_000).contains(&number) => {
                options.nodes = u32::try_from(number).ok();
            }
            _ => return Err(format!("`{word} {value}` makes no sense")),
        }
    }
    Ok(options)
}
