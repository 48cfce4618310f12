//! `verify --simulate`.

use std::path::Path;
use std::sync::Arc;

use ninefold_agent::chaos::{self, Progress, Report, SimulateOptions};
use ninefold_config::model;

use super::verify::{Problem, conclude, seed_from_clock};
use crate::args::VerifyArgs;
use crate::exit::Exit;
use crate::print;

/// Tries the claims in virtual time. Nothing that runs is asked or touched.
pub(super) async fn run(args: &VerifyArgs) -> Result<Exit, Problem> {
    let path = args
        .file
        .as_deref()
        .unwrap_or_else(|| Path::new("ninefold.toml"));
    let outcome = ninefold_config::read(path);
    let Some(file) = outcome.file.clone() else {
        print::note(ninefold_config::render(&outcome).trim_end());
        return Ok(Exit::Failed);
    };
    let options = options(args, Arc::new(file));
    // It computes: not on a thread that waits for others, so that Ctrl-C ends it at once.
    let simulated = tokio::task::spawn_blocking(move || {
        chaos::simulate(&options, &mut |progress: Progress| print::note(progress))
    });
    let report: Report = simulated.await??;
    conclude(args, &report)
}

fn options(args: &VerifyArgs, file: Arc<model::File>) -> SimulateOptions {
    let declared = SimulateOptions::new(file);
    SimulateOptions {
        nodes: args.nodes.unwrap_or(declared.nodes),
        trials: args.trials,
        seed: args.seed.unwrap_or_else(seed_from_clock),
        claims: args.claims.clone(),
        rate: args.rate,
        answer: args.answer,
        ..declared
    }
}
