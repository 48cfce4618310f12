//! What the commands need besides cargo, installed where it is missing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::step::{output, run};

/// A program, and the Debian package it comes from.
#[derive(Clone, Copy, Debug)]
struct Tool {
    program: &'static str,
    package: &'static str,
    /// The service that the package would start at boot.
    service: Option<&'static str>,
}

const fn tool(program: &'static str, package: &'static str) -> Tool {
    Tool {
        program,
        package,
        service: None,
    }
}

const fn daemon(program: &'static str, package: &'static str, service: &'static str) -> Tool {
    Tool {
        program,
        package,
        service: Some(service),
    }
}

/// Read by `invoke-rc.d(8)`, which package scripts ask before they start a service.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// What the tests need: SQLite and ring are compiled from C, the examples run Python and curl, promtool checks the
/// metrics, and nft cuts nodes off.
pub(crate) fn for_tests() -> Result<(), Failure> {
    rust_components()?;
    install(&[
        tool("cc", "gcc"),
        tool("python3", "python3"),
        tool("curl", "curl"),
        daemon("promtool", "prometheus", "prometheus"),
        daemon("nft", "nftables", "nftables"),
    ])
}

/// What `bench gateway` needs.
pub(crate) fn for_bench() -> Result<(), Failure> {
    install(&[
        daemon("haproxy", "haproxy", "haproxy"),
        daemon("nginx", "nginx-light", "nginx"),
        tool("wrk", "wrk"),
        tool("h2load", "nghttp2-client"),
        tool("curl", "curl"),
        tool("openssl", "openssl"),
        tool("taskset", "util-linux"),
        tool("setpriv", "util-linux"),
    ])
}

/// What the peer Pingora is built with.
pub(crate) fn for_pingora() -> Result<(), Failure> {
    install(&[
        tool("cc", "gcc"),
        tool("c++", "g++"),
        tool("cmake", "cmake"),
        tool("make", "make"),
    ])
}

/// What `bench availability` needs for peers that Debian packages.
pub(crate) fn for_availability() -> Result<(), Failure> {
    install(&[
        daemon("haproxy", "haproxy", "haproxy"),
        daemon("nginx", "nginx-light", "nginx"),
        tool("setpriv", "util-linux"),
    ])
}

/// What `bench reload` needs.
pub(crate) fn for_reload() -> Result<(), Failure> {
    install(&[tool("setpriv", "util-linux")])
}

/// What `bench classify` needs.
pub(crate) fn for_classify() -> Result<(), Failure> {
    install(&[
        daemon("nft", "nftables", "nftables"),
        tool("ip", "iproute2"),
        tool("setpriv", "util-linux"),
    ])
}

/// What `bench serf` needs.
pub(crate) fn for_serf() -> Result<(), Failure> {
    install(&[
        daemon("serf", "serf", "serf"),
        daemon("nft", "nftables", "nftables"),
        tool("setpriv", "util-linux"),
    ])
}

/// What peers are installed with that Debian does not package.
pub(crate) fn for_wheels() -> Result<(), Failure> {
    install(&[tool("python3", "python3"), tool("pip3", "python3-pip")])
}

fn rust_components() -> Result<(), Failure> {
    let there = |name: &str| {
        let mut command = Command::new("cargo");
        command.args([name, "--version"]).stderr(Stdio::null());
        output(&mut command).is_ok()
    };
    if there("clippy") && there("fmt") {
        return Ok(());
    }
    if find("rustup").is_none() {
        return Err(Failure::new(
            "clippy or rustfmt is missing, and there is no rustup to add them; install both",
        ));
    }
    run(Command::new("rustup").args(["component", "add", "clippy", "rustfmt"]))
}

/// A program on the path, or in the folders that the path of an ordinary user lacks on Debian.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(usual)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn install(tools: &[Tool]) -> Result<(), Failure> {
    let missing: Vec<Tool> = tools
        .iter()
        .filter(|tool| find(tool.program).is_none())
        .copied()
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    packages.dedup();
    let by_hand = format!(
        "install by hand: apt-get install --no-install-recommends {}",
        packages.join(" ")
    );
    let failed =
        |why: Failure| Failure::new(format!("{why}\nIs this machine online? Else {by_hand}"));
    let root = Root::get().ok_or_else(|| {
        let programs: Vec<&str> = missing.iter().map(|tool| tool.program).collect();
        Failure::new(format!(
            "missing: {}. Neither root, nor sudo without a password, nor apt-get is at hand; {by_hand}",
            programs.join(", ")
        ))
    })?;
    let guard = NoServices::begin(root)?;
    run(root.command("apt-get").args(["-q", "update"])).map_err(failed)?;
    let options = ["-q", "-y", "install", "--no-install-recommends"];
    run(root.command("apt-get").args(options).args(&packages)).map_err(failed)?;
    drop(guard);
    missing.iter().try_for_each(|tool| root.disable(*tool))
}

/// How commands are run as root.
#[derive(Clone, Copy, Debug)]
enum Root {
    Already,
    Sudo,
}

impl Root {
    fn get() -> Option<Self> {
        find("apt-get")?;
        let id = output(Command::new("id").arg("-u")).ok()?;
        if id.trim() == "0" {
            return Some(Self::Already);
        }
        find("sudo")?;
        let asked = output(Command::new("sudo").args(["-n", "true"]));
        asked.is_ok().then_some(Self::Sudo)
    }

    fn command(self, program: &str) -> Command {
        let mut command = match self {
            Self::Already => Command::new("env"),
            Self::Sudo => {
                let mut command = Command::new("sudo");
                command.args(["-n", "env"]);
                command
            }
        };
        command.args(["DEBIAN_FRONTEND=noninteractive", program]);
        command
    }

    /// Keeps the tool's service from starting at the next boot; we only want its program.
    fn disable(self, tool: Tool) -> Result<(), Failure> {
        let Some(service) = tool.service else {
            return Ok(());
        };
        if !Path::new("/run/systemd/system").is_dir() {
            return Ok(());
        }
        let options = ["--quiet", "--now", "disable", service];
        run(self.command("systemctl").args(options))
    }
}

/// While it lives, package scripts start no service.
#[derive(Debug)]
struct NoServices(Option<Root>);

impl NoServices {
    fn begin(root: Root) -> Result<Self, Failure> {
        if Path::new(POLICY).exists() {
            // Somebody has a policy of their own; `Root::disable` stops what it lets start.
            return Ok(Self(None));
        }
        let write = format!("printf '#!/bin/sh\\nexit 101\\n' > {POLICY} && chmod 755 {POLICY}");
        run(root.command("sh").args(["-c", &write]))?;
        Ok(Self(Some(root)))
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if let Some(root) = self.0
            && let Err(why) = run(root.command("rm").args(["-f", POLICY]))
        {
            crate::say::error(&why.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_programs_and_only_these() {
        assert!(find("sh").unwrap().ends_with("sh"));
        assert_eq!(find("no-such-program-anywhere"), None);
    }

    #[test]
    fn nothing_is_installed_that_is_there() {
        install(&[tool("sh", "no-such-package")]).unwrap();
    }
}
