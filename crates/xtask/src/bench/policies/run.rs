//! The bench from its command line to its report.

use std::fs;
use std::process::Command;

use super::busy::Ticks;
use super::figures::Figures;
use super::options::Options;
use super::programs::Programs;
use super::report::Report;
use super::{instructions, peers};
use crate::bench::{machine, publish};
use crate::failure::{Failure, While};
use crate::step::output;
use crate::{say, workspace};

/// Where `--save` writes.
const SAVED: &str = "docs/bench/policies.md";

/// `cargo xtask bench policies`.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let options = Options::parse(words)?;
    let root = workspace::root()?;
    // The load before, without our own build.
    let load = load()?;
    let programs = Programs::build(&options)?;
    let facts = facts(&options, load)?;
    say::progress("── allocations");
    let subjects = programs.subjects()?;
    let counted = instructions::count(&programs.path("instructions"), &subjects)?;
    let mut figures = Figures::new(subjects, counted);
    let scratch = root.join("target/bench/policies");
    let before = Ticks::now()?;
    for round in 1..=options.rounds() {
        say::progress(&format!("── round {round} of {}", options.rounds()));
        let folder = scratch.join(format!("round-{round}"));
        figures.add(&programs.measure(&options, &folder)?)?;
    }
    let others = before.others_until(Ticks::now()?);
    let report = Report::new(&options, facts, others, figures);
    if options.json {
        say::out(&report.to_json().to_string());
    } else {
        say::out(&report.to_markdown());
    }
    if options.save {
        publish::keep(SAVED, &report.to_markdown())?;
    }
    Ok(())
}

fn load() -> Result<String, Failure> {
    let load = fs::read_to_string("/proc/loadavg").while_("read /proc/loadavg")?;
    let averages: Vec<&str> = load.split_whitespace().take(3).collect();
    Ok(averages.join(" "))
}

fn facts(options: &Options, load: String) -> Result<Vec<(String, String)>, Failure> {
    let mut facts = machine::facts()?;
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let rustc = output(Command::new(rustc).arg("--version"))?;
    let rounds = format!(
        "{} of criterion's medians{}",
        options.rounds(),
        if options.quick { ", quick" } else { "" }
    );
    let more = [
        ("load before (1, 5, 15 min)", load),
        ("rustc", rustc.trim_end().to_owned()),
        ("peers", peers::versions()?),
        ("rounds", rounds),
    ];
    facts.extend(more.map(|(label, text)| (label.to_owned(), text)));
    Ok(facts)
}
