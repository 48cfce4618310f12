//! The bench from its command line to its report.

use std::path::Path;
use std::process::Command;

use super::options::Options;
use super::programs::Programs;
use super::report::Report;
use super::sample::Sample;
use crate::bench::{driver, machine, publish};
use crate::failure::Failure;
use crate::{say, workspace};

/// Where `--save` writes.
const SAVED: &str = "docs/bench/availability.md";

/// `cargo xtask bench availability`.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let options = Options::parse(words)?;
    let root = workspace::root()?;
    let programs = Programs::get(&options, &root)?;
    let mut facts = machine::facts()?;
    facts.extend(programs.facts.clone());
    let mut report = Report::new(facts, options.rounds);
    drive(&options, &programs, &root, |sample| report.add(sample))?;
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

/// Runs the driver; each of its lines is one run.
fn drive(
    options: &Options,
    programs: &Programs,
    root: &Path,
    mut take: impl FnMut(Sample),
) -> Result<(), Failure> {
    let names = |names: Vec<&str>| names.join(",");
    let rows = names(options.rows.iter().map(|row| row.name()).collect());
    let peers = names(programs.peers.iter().map(|peer| peer.name()).collect());
    let mut driver = Command::new(&programs.driver);
    driver
        .arg("run")
        .args([&options.rounds.to_string(), &rows, &peers])
        .arg(root.join("target/bench-availability/runs"))
        .args(&programs.proxies);
    driver::lines(&mut driver, |line| {
        take(Sample::parse(line)?);
        Ok(())
    })
}
