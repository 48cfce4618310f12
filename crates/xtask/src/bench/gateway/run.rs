//! The bench from its command line to its report.

use super::options::Options;
use super::programs::Programs;
use super::report::Report;
use super::scene::Scene;
use super::versions;
use crate::bench::{machine, publish};
use crate::failure::Failure;
use crate::setup;
use crate::{say, workspace};

/// Where `--save` writes.
const SAVED: &str = "docs/bench/gateway.md";

/// `cargo xtask bench gateway`.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let options = Options::parse(words)?;
    setup::for_bench()?;
    let root = workspace::root()?;
    let programs = Programs::get(&options, &root)?;
    let mut facts = machine::facts()?;
    facts.extend(versions::facts(&programs, &root));
    let mut report = Report::new(&options, facts);
    let scene = Scene::start(&options, &programs, root.join("target/bench"))?;
    for round in 1..=options.rounds {
        say::progress(&format!("── round {round} of {}", options.rounds));
        for case in &options.cases {
            scene.round(&options, *case, |peer, sample| {
                report.add(*case, peer, sample)
            })?;
        }
        scene.extras(&options, |peer, measured| report.add_extra(peer, measured))?;
    }
    drop(scene);
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
