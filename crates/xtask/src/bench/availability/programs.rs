//! The programs: built, found or downloaded.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::options::Options;
use super::peer::Peer;
use crate::bench::install::{ENVOY, TRAEFIK};
use crate::failure::{Failure, While};
use crate::step::{cargo, output, run};
use crate::{say, setup};

/// What runs, and who cannot.
#[derive(Clone, Debug, Default)]
pub(super) struct Programs {
    /// The program of `benches/availability`.
    pub(super) driver: PathBuf,
    /// `NAME=PATH` of each proxy.
    pub(super) proxies: Vec<String>,
    /// Those that can run.
    pub(super) peers: Vec<Peer>,
    /// Names and versions, and why some are not there.
    pub(super) facts: Vec<(String, String)>,
}

impl Programs {
    pub(super) fn get(options: &Options, root: &Path) -> Result<Self, Failure> {
        setup::for_availability()?;
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let mut programs = Self {
            driver: driver(root, &target)?,
            ..Self::default()
        };
        for peer in &options.peers {
            let named = |known: &String| known.starts_with(&format!("{}=", peer.program()));
            if programs.proxies.iter().any(named) {
                programs.peers.push(*peer);
                continue;
            }
            match find(*peer, options, root, &target) {
                Ok(path) => programs.add(*peer, &path),
                Err(why) if *peer == Peer::Ninefold => return Err(why),
                Err(why) => {
                    let why = why.to_string();
                    let why = why.lines().next_back().unwrap_or_default();
                    say::error(&format!("{} is left out: {why}", peer.name()));
                    let text = format!("left out, it could not be installed: {why}");
                    programs.facts.push((peer.name().to_owned(), text));
                }
            }
        }
        Ok(programs)
    }

    fn add(&mut self, peer: Peer, path: &Path) {
        let program = peer.program();
        self.proxies.push(format!("{program}={}", path.display()));
        if peer == Peer::Ninefold && reloads(path) {
            self.proxies.push("ninefold-reload=SIGHUP".to_owned());
        }
        self.facts.push((program.to_owned(), version(peer, path)));
        self.peers.push(peer);
    }
}

/// Builds the program of `benches/availability`.
pub(in crate::bench) fn driver(root: &Path, target: &Path) -> Result<PathBuf, Failure> {
    let manifest = root.join("benches/availability/Cargo.toml");
    let target = target.join("bench-availability");
    let mut build = cargo(&["build", "--release", "--locked", "--manifest-path"])?;
    run(build.arg(&manifest).arg("--target-dir").arg(&target))?;
    Ok(target.join("release/bench-availability"))
}

fn find(peer: Peer, options: &Options, root: &Path, target: &Path) -> Result<PathBuf, Failure> {
    let program = peer.program();
    match (program, &options.binary) {
        ("envoy", _) => ENVOY.install(target),
        ("traefik", _) => TRAEFIK.install(target),
        ("ninefold", given) => ninefold(given.as_deref(), root, target),
        _ => setup::find(program).ok_or_else(|| Failure::new(format!("`{program}` is missing"))),
    }
}

/// The `ninefold` that is given, or a release build.
pub(in crate::bench) fn ninefold(
    given: Option<&Path>,
    root: &Path,
    target: &Path,
) -> Result<PathBuf, Failure> {
    if let Some(path) = given {
        let found = path.canonicalize();
        return found.while_(&format!("find {}", path.display()));
    }
    let package = ["--package", "ninefold-cli"];
    let mut build = cargo(&["build", "--release", "--locked"])?;
    run(build.args(package).current_dir(root))?;
    Ok(target.join("release/ninefold"))
}

/// Whether this Ninefold can be reloaded.
fn reloads(path: &Path) -> bool {
    output(Command::new(path).args(["help", "reload"])).is_ok()
}

/// The first line of what it says about its version; nginx says it on the standard error.
fn version(peer: Peer, path: &Path) -> String {
    let option = match peer.program() {
        "haproxy" | "nginx" => "-v",
        "traefik" => "version",
        _ => "--version",
    };
    let said = Command::new(path).arg(option).output();
    let said = said.map(|said| [said.stdout, said.stderr].concat());
    let said = String::from_utf8_lossy(&said.unwrap_or_default()).into_owned();
    let line = said.lines().find(|line| !line.trim().is_empty());
    let line = line.unwrap_or("unknown").trim();
    // Envoy begins with the path of its program.
    let line = line
        .rsplit_once("version: ")
        .map_or(line, |(_, version)| version);
    line.to_owned()
}
