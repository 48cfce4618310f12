//! The bench from its command line to its report.

use std::fs;
use std::path::{Path, PathBuf};

use super::options::Options;
use super::peer::Peer;
use super::report::Report;
use super::scene::Scene;
use super::versions;
use crate::bench::machine;
use crate::failure::{Failure, While};
use crate::setup;
use crate::step::{cargo, run as run_command};
use crate::{say, workspace};

/// Where `--save` writes.
const SAVED: &str = "docs/bench/gateway.md";

/// `cargo xtask bench gateway`.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let options = Options::parse(words)?;
    setup::for_bench()?;
    let root = workspace::root()?;
    let ninefold = ninefold(&options, &root)?;
    let ninefold = ninefold
        .to_str()
        .ok_or_else(|| Failure::new("the path of ninefold is no text"))?;
    let mut facts = machine::facts()?;
    facts.extend(versions::facts(&options.peers, ninefold));
    let mut report = Report::new(&options, facts);
    let scene = Scene::start(&options, ninefold, root.join("target/bench"))?;
    for round in 1..=options.rounds {
        say::progress(&format!("── round {round} of {}", options.rounds));
        for case in &options.cases {
            scene.round(&options, *case, |peer, sample| {
                report.add(*case, peer, sample)
            })?;
        }
    }
    drop(scene);
    if options.json {
        say::out(&report.to_json().to_string());
    } else {
        say::out(&report.to_markdown());
    }
    if options.save {
        save(&root.join(SAVED), &report)?;
    }
    Ok(())
}

/// The binary to measure: the one that is named, or a release build of this tree.
fn ninefold(options: &Options, root: &Path) -> Result<PathBuf, Failure> {
    if let Some(path) = &options.binary {
        return path
            .canonicalize()
            .while_(&format!("find {}", path.display()));
    }
    if options.peers.contains(&Peer::Ninefold) {
        let build = [
            "build",
            "--release",
            "--locked",
            "--package",
            "ninefold-cli",
        ];
        run_command(&mut cargo(&build)?)?;
    }
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("release/ninefold"))
}

fn save(path: &Path, report: &Report) -> Result<(), Failure> {
    let shown = path.display();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).while_(&format!("make {}", folder.display()))?;
    }
    fs::write(path, report.to_markdown()).while_(&format!("write {shown}"))
}
