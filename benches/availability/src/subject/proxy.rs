//! The proxies, each in one or two ways.

use std::collections::BTreeMap;

use rustix::process::Signal;

use super::{Setup, envoy, haproxy, nginx, ninefold, traefik};
use crate::problem::Problem;

/// A proxy in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Ninefold,
    Haproxy { tuned: bool },
    Nginx { tuned: bool },
    Envoy { tuned: bool },
    Traefik { tuned: bool },
}

/// How a proxy takes a changed configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reload {
    /// It is told by a signal.
    Signal(Signal),
    /// It watches its files.
    Watches,
}

/// Where the programs are, by name: `ninefold`, `haproxy`, `nginx`, `envoy`, `traefik`.
pub(crate) type Programs = BTreeMap<String, String>;

impl Subject {
    pub(crate) const ALL: [Self; 9] = [
        Self::Ninefold,
        Self::Haproxy { tuned: true },
        Self::Nginx { tuned: true },
        Self::Envoy { tuned: true },
        Self::Traefik { tuned: true },
        Self::Haproxy { tuned: false },
        Self::Nginx { tuned: false },
        Self::Envoy { tuned: false },
        Self::Traefik { tuned: false },
    ];

    /// The name on the command line and in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ninefold => "ninefold",
            Self::Haproxy { tuned: true } => "haproxy",
            Self::Haproxy { tuned: false } => "haproxy-default",
            Self::Nginx { tuned: true } => "nginx",
            Self::Nginx { tuned: false } => "nginx-default",
            Self::Envoy { tuned: true } => "envoy",
            Self::Envoy { tuned: false } => "envoy-default",
            Self::Traefik { tuned: true } => "traefik",
            Self::Traefik { tuned: false } => "traefik-default",
        }
    }

    /// The name of its program.
    pub(crate) const fn program(self) -> &'static str {
        match self {
            Self::Ninefold => "ninefold",
            Self::Haproxy { .. } => "haproxy",
            Self::Nginx { .. } => "nginx",
            Self::Envoy { .. } => "envoy",
            Self::Traefik { .. } => "traefik",
        }
    }

    /// Names and texts of its files. Those that a reload changes come last.
    pub(crate) fn files(self, setup: &Setup) -> Vec<(&'static str, String)> {
        match self {
            Self::Ninefold => vec![("ninefold.toml", ninefold::file(setup))],
            Self::Haproxy { tuned } => vec![("haproxy.cfg", haproxy::file(setup, tuned))],
            Self::Nginx { tuned } => vec![("nginx.conf", nginx::file(setup, tuned))],
            Self::Envoy { tuned } => envoy::files(setup, tuned),
            Self::Traefik { tuned } => traefik::files(setup, tuned),
        }
    }

    /// Its command line.
    pub(crate) fn words(self, setup: &Setup, programs: &Programs) -> Result<Vec<String>, Problem> {
        let program = programs.get(self.program());
        let program = program.ok_or_else(|| format!("no program `{}`", self.program()))?;
        let rest = match self {
            Self::Ninefold => vec!["up".to_owned(), setup.file("ninefold.toml")],
            Self::Haproxy { .. } => {
                let words = ["-W", "-db", "-f"].map(str::to_owned);
                [words.to_vec(), vec![setup.file("haproxy.cfg")]].concat()
            }
            Self::Nginx { .. } => vec!["-c".to_owned(), setup.file("nginx.conf")],
            Self::Envoy { .. } => envoy::words(setup),
            Self::Traefik { .. } => {
                vec![format!("--configFile={}", setup.file("traefik.yaml"))]
            }
        };
        Ok([vec![program.clone()], rest].concat())
    }

    /// How it takes a changed configuration; nothing where it cannot.
    pub(crate) fn reload(self, programs: &Programs) -> Option<Reload> {
        match self {
            Self::Ninefold => {
                let told = programs.get("ninefold-reload")?;
                (told == "SIGHUP").then_some(Reload::Signal(Signal::HUP))
            }
            Self::Haproxy { .. } => Some(Reload::Signal(Signal::USR2)),
            Self::Nginx { .. } => Some(Reload::Signal(Signal::HUP)),
            Self::Envoy { .. } | Self::Traefik { .. } => Some(Reload::Watches),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_knows_where_to_listen_and_whom_to_ask() {
        let setup = Setup::example();
        for subject in Subject::ALL {
            let texts: Vec<String> = subject.files(&setup).into_iter().map(|f| f.1).collect();
            let text = texts.concat();
            for port in ["1000", "1001", "1002", "1003"] {
                assert!(text.contains(port), "{}: {text}", subject.name());
            }
        }
    }

    #[test]
    fn ninefold_reloads_only_where_it_can() {
        let programs = Programs::new();
        assert_eq!(Subject::Ninefold.reload(&programs), None);
        let programs = Programs::from([("ninefold-reload".to_owned(), "SIGHUP".to_owned())]);
        assert!(Subject::Ninefold.reload(&programs).is_some());
        assert!(
            Subject::Ninefold
                .words(&Setup::example(), &programs)
                .is_err()
        );
    }
}
