//! Backend and proxies, ready to be measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::case::{Case, HUGE_BYTES, LARGE_BYTES};
use super::child::Pinned;
use super::configuration;
use super::cpu::Clock;
use super::extra::{Extra, Measured};
use super::load::Load;
use super::options::Options;
use super::peer::Peer;
use super::place::{BOTH, CERTIFICATE, KEY, Place};
use super::programs::Programs;
use super::sample::Sample;
use super::{idle, socket, steady};
use crate::failure::{Failure, While};
use crate::say;
use crate::step::output;

/// Seconds of load before each measurement, so that connections and caches are warm.
const WARM_UP_SECONDS: u32 = 1;

/// Everything that runs during the bench. It ends when this value goes away.
#[derive(Debug)]
pub(super) struct Scene {
    proxies: Vec<Proxy>,
    _backend: Pinned,
    backend_port: u16,
    folder: PathBuf,
    clock: Clock,
    load_core: usize,
}

#[derive(Debug)]
struct Proxy {
    peer: Peer,
    program: String,
    port: u16,
    tls: u16,
    process: Pinned,
}

impl Scene {
    /// Starts all of them and sees that each answers every case.
    pub(super) fn start(
        options: &Options,
        programs: &Programs,
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
        write(&file, &configuration::backend(port, &folder))?;
        let words = ["nginx", "-c"].map(str::to_owned).to_vec();
        let words = [words, vec![file.display().to_string()]].concat();
        let mut backend = launch(load_core, &words, &file)?;
        for case in options.cases.iter().filter(|case| !case.is_encrypted()) {
            socket::wait(port, *case, || backend.runs())
                .while_(&format!("get `{}` from the backend", case.name()))?;
        }
        let mut proxies = Vec::new();
        for (peer, program) in &programs.peers {
            proxies.push(start(*peer, program, port, &folder, &options.cases)?);
        }
        Ok(Self {
            proxies,
            _backend: backend,
            backend_port: port,
            folder,
            clock: Clock::new()?,
            load_core,
        })
    }

    /// One round of all proxies over what is measured besides.
    pub(super) fn extras(
        &self,
        options: &Options,
        mut take: impl FnMut(Peer, Measured),
    ) -> Result<(), Failure> {
        for proxy in &self.proxies {
            for extra in &options.extras {
                let measured = match extra {
                    Extra::Steady => self.steady(proxy, options.seconds)?,
                    Extra::Idle => self.idle(proxy)?,
                };
                let (name, peer) = (extra.name(), proxy.peer.name());
                say::progress(&format!("{name:6} {peer:12} {measured:?}"));
                take(proxy.peer, measured);
            }
        }
        Ok(())
    }

    /// Of another process of the same proxy, in a folder of its own.
    fn idle(&self, proxy: &Proxy) -> Result<Measured, Failure> {
        let folder = self.folder.join("idle");
        prepare(&folder)?;
        let cases = [Case::Small];
        let fresh = start(
            proxy.peer,
            &proxy.program,
            self.backend_port,
            &folder,
            &cases,
        )?;
        let kib = idle::kib_per_connection(fresh.port, fresh.process.pid())?;
        Ok(Measured::Idle {
            kib_per_connection: kib,
        })
    }

    /// The backend alone just before, so that a slow moment of the machine is none of the proxy's.
    fn steady(&self, proxy: &Proxy, seconds: u32) -> Result<Measured, Failure> {
        let alone = steady::measure(self.backend_port, seconds)?;
        let before = self.clock.used(proxy.process.pid())?;
        let through = steady::measure(proxy.port, seconds)?;
        let used = self.clock.used(proxy.process.pid())?.saturating_sub(before);
        Ok(Measured::Steady {
            added_p50_us: through.p50_us - alone.p50_us,
            added_p99_us: through.p99_us - alone.p99_us,
            cpu_us: used.as_secs_f64() * 1e6 / f64::from(through.requests.max(1)),
        })
    }

    /// One round of all proxies over one case.
    pub(super) fn round(
        &self,
        options: &Options,
        case: Case,
        mut take: impl FnMut(Peer, Sample),
    ) -> Result<(), Failure> {
        for proxy in &self.proxies {
            let load = Load {
                core: self.load_core,
                port: proxy.port,
                tls: proxy.tls,
                connections: options.connections,
                folder: &self.folder,
            };
            load.run(case, WARM_UP_SECONDS)?;
            let before = self.clock.used(proxy.process.pid())?;
            let counted = load.run(case, options.seconds)?;
            let used = self.clock.used(proxy.process.pid())?.saturating_sub(before);
            let sample = Sample::new(used, counted);
            say::progress(&format!(
                "{:5}  {:12}  {:6.1} µs/request  {:7.0}/s",
                case.name(),
                proxy.peer.name(),
                sample.cpu_us,
                sample.rate
            ));
            take(proxy.peer, sample);
        }
        Ok(())
    }
}

/// An empty folder with what nginx wants to find.
fn prepare(folder: &Path) -> Result<(), Failure> {
    if folder.exists() {
        fs::remove_dir_all(folder).while_(&format!("empty {}", folder.display()))?;
    }
    for part in ["www", "backend", "proxy"] {
        let part = folder.join(part);
        fs::create_dir_all(&part).while_(&format!("make {}", part.display()))?;
    }
    for (name, bytes) in [("www/large.bin", LARGE_BYTES), ("www/huge.bin", HUGE_BYTES)] {
        write(&folder.join(name), &"x".repeat(bytes))?;
    }
    certify(folder)
}

/// A certificate of our own for TLS.
fn certify(folder: &Path) -> Result<(), Failure> {
    let (certificate, key) = (folder.join(CERTIFICATE), folder.join(KEY));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]);
    openssl.args([
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-subj",
        "/CN=localhost",
    ]);
    openssl.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
    output(
        openssl
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate),
    )?;
    let read = |path: &Path| fs::read_to_string(path).while_("read the certificate");
    write(&folder.join(BOTH), &(read(&certificate)? + &read(&key)?))
}

fn start(
    peer: Peer,
    program: &str,
    backend: u16,
    folder: &Path,
    cases: &[Case],
) -> Result<Proxy, Failure> {
    let [listen, tls] = socket::free_ports()?;
    let place = Place {
        listen,
        tls,
        backend,
        folder,
    };
    for (name, text) in peer.files(&place) {
        write(&folder.join(name), &text)?;
    }
    let file = folder.join(peer.file());
    let mut process = launch(0, &peer.words(program, &place), &file)?;
    for case in cases {
        let port = if case.is_encrypted() { tls } else { listen };
        socket::wait(port, *case, || process.runs()).while_(&format!(
            "get `{}` from {} (its output is in {})",
            case.name(),
            peer.name(),
            file.with_extension("log").display()
        ))?;
    }
    Ok(Proxy {
        peer,
        program: program.to_owned(),
        port: listen,
        tls,
        process,
    })
}

/// With its output beside its file.
fn launch(core: usize, words: &[String], file: &Path) -> Result<Pinned, Failure> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Pinned::start(core, &words, &file.with_extension("log"))
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text).while_(&format!("write {}", file.display()))
}
