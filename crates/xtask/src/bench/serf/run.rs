//! The bench from its command line to its page.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::options::Options;
use super::page;
use crate::bench::revision::revision;
use crate::bench::{availability, driver, machine, publish};
use crate::failure::Failure;
use crate::step::output;
use crate::{say, setup, workspace};

/// Where `--save` writes.
const SAVED: &str = "docs/bench/serf.md";

/// What decides about the figures.
const SOURCES: [&str; 6] = [
    "benches/availability",
    "crates/agent",
    "crates/cluster",
    "crates/core",
    "crates/supervise",
    "crates/trust",
];

/// `cargo xtask bench serf`.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let options = Options::parse(words)?;
    setup::for_serf()?;
    let serf = setup::find("serf").ok_or_else(|| Failure::new("`serf` is missing"))?;
    let root = workspace::root()?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let program = availability::driver(&root, &target)?;
    let ninefold = availability::ninefold(options.binary.as_deref(), &root, &target)?;
    let mut facts = machine::facts()?;
    facts.push(("load before".to_owned(), load()));
    facts.extend(
        options
            .beside
            .clone()
            .map(|text| ("beside".to_owned(), text)),
    );
    facts.push(("ninefold".to_owned(), version(&ninefold)?));
    facts.push(("serf".to_owned(), serf_version(&serf)?));
    facts.push(("revision".to_owned(), revision(&SOURCES)?));
    let mut command = Command::new(&program);
    command
        .arg("serf")
        .arg(options.rounds.to_string())
        .arg(root.join("target/bench-serf"))
        .args([&ninefold, &serf])
        .args(&options.rows);
    let (rows, ended) = driver::rows(&mut command, |_, row| say::progress(&row.to_string()));
    let text = page::markdown(&facts, &rows);
    publish::rows(&facts, &rows, &text, options.json);
    ended?;
    if options.save {
        publish::keep(SAVED, &text)?;
    }
    Ok(())
}

/// What else ran in the minute before.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split(' ').next().unwrap_or("unknown");
    format!("{first} processes in the last minute")
}

fn version(program: &Path) -> Result<String, Failure> {
    let said = output(Command::new(program).arg("--version"))?;
    Ok(said.lines().next().unwrap_or("unknown").to_owned())
}

/// The package's, where a package has it, and what the program says: the two differ.
fn serf_version(program: &Path) -> Result<String, Failure> {
    let said = output(Command::new(program).arg("version"))?;
    let said = said.lines().next().unwrap_or("unknown").to_owned();
    let package = output(Command::new("dpkg-query").args(["-W", "-f=${Version}", "serf"]));
    Ok(match package {
        Ok(package) => format!("Debian's {}, which says it is {said}", package.trim()),
        Err(_none) => said,
    })
}
