//! The programs of the proxies: built, found or downloaded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::options::Options;
use super::peer::Peer;
use crate::bench::install::{ENVOY, TRAEFIK};
use crate::failure::{Failure, While};
use crate::step::{cargo, run};
use crate::{say, setup};

/// What runs, and who cannot.
#[derive(Clone, Debug, Default)]
pub(super) struct Programs {
    /// Those that can run, in the order that was asked for, with their programs.
    pub(super) peers: Vec<(Peer, String)>,
    /// Why others are not there.
    pub(super) missing: BTreeMap<Peer, String>,
}

impl Programs {
    pub(super) fn get(options: &Options, root: &Path) -> Result<Self, Failure> {
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let mut programs = Self::default();
        for peer in &options.peers {
            match find(*peer, options, root, &target) {
                Ok(path) => programs.peers.push((*peer, path.display().to_string())),
                Err(why) if matches!(peer, Peer::Ninefold | Peer::NinefoldOff) => return Err(why),
                Err(why) => {
                    let why = why.to_string();
                    let why = why.lines().next_back().unwrap_or_default();
                    say::error(&format!("{} is left out: {why}", peer.name()));
                    programs.missing.insert(*peer, format!("left out: {why}"));
                }
            }
        }
        Ok(programs)
    }
}

fn find(peer: Peer, options: &Options, root: &Path, target: &Path) -> Result<PathBuf, Failure> {
    match peer {
        Peer::Ninefold | Peer::NinefoldOff => match &options.binary {
            Some(path) => path
                .canonicalize()
                .while_(&format!("find {}", path.display())),
            None => {
                let package = ["--package", "ninefold-cli"];
                let mut build = cargo(&["build", "--release", "--locked"])?;
                run(build.args(package))?;
                Ok(target.join("release/ninefold"))
            }
        },
        Peer::Haproxy | Peer::HaproxyLarge => Ok(PathBuf::from("haproxy")),
        Peer::Nginx => Ok(PathBuf::from("nginx")),
        Peer::Envoy => ENVOY.install(target),
        Peer::Traefik => TRAEFIK.install(target),
        Peer::Pingora => {
            setup::for_pingora()?;
            let manifest = root.join("benches/pingora/Cargo.toml");
            let target = target.join("bench-pingora");
            let mut build = cargo(&["build", "--release", "--locked", "--manifest-path"])?;
            run(build.arg(&manifest).arg("--target-dir").arg(&target))?;
            Ok(target.join("release/bench-pingora"))
        }
    }
}
