//! How good the detectors are on modelled traces: `cargo xtask bench detection`.
//!
//! ```text
//! detectors [--seeds N] [--count N] [--revision TEXT]
//! ```
//!
//! Prints a page in Markdown. All is drawn from seeds, so it is the same on every machine, but for the last
//! digits of logarithms.

mod pages;
mod pool;

use std::io::{self, Write};
use std::process::ExitCode;

use ninefold_cluster::model::Model;

/// What to run.
#[derive(Debug)]
struct Options {
    seeds: u64,
    count: usize,
    revision: String,
}

fn main() -> ExitCode {
    let done = options(std::env::args().skip(1)).and_then(|options| {
        let run = |model| pool::run(model, options.seeds, options.count);
        let models = Model::ALL.map(run);
        let page = pages::page(&models, options.seeds, options.count, &options.revision);
        let written = io::stdout().write_all(page.as_bytes());
        written.map_err(|error| error.to_string())
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            drop(writeln!(io::stderr(), "error: {why}"));
            ExitCode::from(2)
        }
    }
}

fn options(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        seeds: 10,
        count: 200_000,
        revision: "unknown".to_owned(),
    };
    while let Some(word) = words.next() {
        let value = words
            .next()
            .ok_or_else(|| format!("`{word}` is no option, or needs a value"))?;
        let number = |least: u64, most: u64| {
            let number = value.parse().ok();
            number
                .filter(|number| (least..=most).contains(number))
                .ok_or_else(|| format!("`{word} {value}`: a number from {least} to {most}"))
        };
        match word.as_str() {
            "--seeds" => options.seeds = number(1, 1_000)?,
            "--count" => {
                let count = number(1_000, 10_000_000)?;
                options.count = usize::try_from(count).unwrap_or(usize::MAX);
            }
            "--revision" => options.revision = value,
            _ => return Err(format!("unknown option `{word}`")),
        }
    }
    Ok(options)
}
