//! Backend and proxies, ready to be measured.

use std::fs;
use std::path::{Path, PathBuf};

use super::case::{Case, LARGE_BYTES};
use super::child::Pinned;
use super::cpu::Clock;
use super::load::Load;
use super::options::Options;
use super::peer::{self, Peer};
use super::sample::Sample;
use super::socket;
use crate::failure::{Failure, While};
use crate::say;

/// Seconds of load before each measurement, so that connections and caches are warm.
const WARM_UP_SECONDS: u32 = 1;

/// Everything that runs during the bench. It ends when this value goes away.
#[derive(Debug)]
pub(super) struct Scene {
    proxies: Vec<(Peer, u16, Pinned)>,
    _backend: Pinned,
    folder: PathBuf,
    clock: Clock,
    load_core: usize,
}

impl Scene {
    /// Starts all of them and sees that each answers every case.
    pub(super) fn start(
        options: &Options,
        ninefold: &str,
        folder: PathBuf,
    ) -> Result<Self, Failure> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        if cores < 2 {
            return Err(Failure::new(
                "two cores are needed: one for the proxy alone",
            ));
        }
        let load_core = cores - 1;
        prepare(&folder)?;
        let [port] = socket::free_ports()?;
        let file = folder.join("backend.conf");
        let mut backend = launch(load_core, &file, &peer::backend(port, &folder), |file| {
            vec!["nginx", "-c", file]
        })?;
        for case in &options.cases {
            socket::wait(port, *case, || backend.runs())
                .while_(&format!("get `{}` from the backend", case.name()))?;
        }
        let mut proxies = Vec::new();
        for peer in &options.peers {
            let (listen, proxy) = proxy(*peer, port, ninefold, &folder, &options.cases)?;
            proxies.push((*peer, listen, proxy));
        }
        Ok(Self {
            proxies,
            _backend: backend,
            folder,
            clock: Clock::new()?,
            load_core,
        })
    }

    /// One round of all proxies over one case.
    pub(super) fn round(
        &self,
        options: &Options,
        case: Case,
        mut take: impl FnMut(Peer, Sample),
    ) -> Result<(), Failure> {
        for (peer, port, proxy) in &self.proxies {
            let load = Load {
                core: self.load_core,
                port: *port,
                connections: options.connections,
                folder: &self.folder,
            };
            load.run(case, WARM_UP_SECONDS)?;
            let before = self.clock.used(proxy.pid())?;
            let counted = load.run(case, options.seconds)?;
            let used = self.clock.used(proxy.pid())?.saturating_sub(before);
            let sample = Sample::new(used, counted);
            say::progress(&format!(
                "{:5}  {:11}  {:6.1} µs/request  {:7.0}/s",
                case.name(),
                peer.name(),
                sample.cpu_us,
                sample.rate
            ));
            take(*peer, sample);
        }
        Ok(())
    }
}

/// An empty folder with what nginx wants to find.
fn prepare(folder: &Path) -> Result<(), Failure> {
    if folder.exists() {
        fs::remove_dir_all(folder).while_(&format!("empty {}", folder.display()))?;
    }
    for part in ["www", "backend", "proxy", "state"] {
        let part = folder.join(part);
        fs::create_dir_all(&part).while_(&format!("make {}", part.display()))?;
    }
    let large = folder.join("www/large.bin");
    fs::write(&large, "x".repeat(LARGE_BYTES)).while_(&format!("write {}", large.display()))
}

fn proxy(
    peer: Peer,
    backend: u16,
    ninefold: &str,
    folder: &Path,
    cases: &[Case],
) -> Result<(u16, Pinned), Failure> {
    let [listen] = socket::free_ports()?;
    let file = folder.join(peer.file());
    let text = peer.configuration(listen, backend, folder);
    let mut proxy = launch(0, &file, &text, |file| peer.words(ninefold, file))?;
    for case in cases {
        let log = file.with_extension("log");
        socket::wait(listen, *case, || proxy.runs()).while_(&format!(
            "get `{}` from {} (its output is in {})",
            case.name(),
            peer.name(),
            log.display()
        ))?;
    }
    Ok((listen, proxy))
}

fn launch<'a>(
    core: usize,
    file: &'a Path,
    text: &str,
    words: impl FnOnce(&'a str) -> Vec<&'a str>,
) -> Result<Pinned, Failure> {
    let shown = file
        .to_str()
        .ok_or_else(|| Failure::new("a path is no text"))?;
    fs::write(file, text).while_(&format!("write {shown}"))?;
    Pinned::start(core, &words(shown), &file.with_extension("log"))
}
