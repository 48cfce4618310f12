//! The gateway and its peers under the same faults: the program behind
//! `cargo xtask bench availability`, behind `bench reload`, `bench classify` and `bench serf`.
//!
//! It is also the replica that the proxies stand before, so that nothing else must be built.

mod backend;
mod classify;
mod figures;
mod handover;
mod load;
mod ninefold;
mod options;
mod port;
mod problem;
mod process;
mod row;
mod run;
mod script;
mod stage;
mod subject;

use std::path::Path;
use std::process::ExitCode;

use problem::{Problem, While};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.split_first() {
        Some((word, rest)) if word == "backend" => serve(rest),
        Some((word, rest)) if word == "run" => {
            options::Options::parse(rest).and_then(|options| run::run(&options))
        }
        Some((word, rest)) if word == "hand-overs" => handover::run(rest),
        Some((word, rest)) if word == "classify" => classify::run(rest),
        Some((word, rest)) if word == "serf" => classify::serf::run(rest),
        _ => Err(
            "use `cargo xtask bench availability`, `bench reload`, `bench classify` or `bench serf`"
                .to_owned(),
        ),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// `backend NUMBER ADDRESS SETTINGS FILE`.
fn serve(words: &[String]) -> Result<(), Problem> {
    let [number, address, settings, log] = words else {
        return Err("usage: backend NUMBER ADDRESS SETTINGS FILE".to_owned());
    };
    let number = number.parse().while_("read the number")?;
    let address = address.parse().while_("read the address")?;
    let settings = backend::Settings::default().change(settings)?;
    backend::run(number, address, settings, Path::new(log))
}
