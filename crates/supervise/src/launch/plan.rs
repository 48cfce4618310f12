//! How one instance is started, as the file says.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ninefold_config::model::{File, Spread, Supervised};
use ninefold_core::address::Address;
use ninefold_core::hash::fnv1a;
use ninefold_core::id::InstanceId;
use ninefold_core::status::Release;

use crate::disk::Spec;

use super::Addresses;
use super::env_file;
use super::fill::{Values, fill};

/// Why a launch cannot be made from the file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    /// All ports are taken.
    #[error("no port from {} to {} is free: widen node.ports", range.0, range.1)]
    NoPort {
        /// The range.
        range: (u16, u16),
    },
    /// A placeholder without a listener.
    #[error("{{address.{service}}}: no listener routes to `{service}`")]
    NoListener {
        /// The service.
        service: String,
    },
    /// A placeholder without an egress listener.
    #[error("{{egress}}: no listener is for calls of services")]
    NoEgress,
    /// `env_file` cannot be read.
    #[error("env_file {}: {source}; make it, or change `env_file`", path.display())]
    EnvFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line of `env_file` is no variable.
    #[error(
        "env_file {}, line {line}: {problem}; write NAME=value, or `#` before a comment",
        path.display()
    )]
    EnvLine {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong with it, without its value.
        problem: String,
    },
    /// The instance's folder cannot be used.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Everything about an instance's launch but its port.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) instance: InstanceId,
    pub(crate) zone: Option<Arc<str>>,
    pub(crate) supervised: Supervised,
    file: Arc<File>,
    folder: PathBuf,
    addresses: Arc<Addresses>,
}

impl Plan {
    /// The plan for replica `ordinal`. Zones are taken in turn.
    pub(crate) fn new(
        file: Arc<File>,
        supervised: Supervised,
        instance: InstanceId,
        addresses: Arc<Addresses>,
    ) -> Self {
        let zones = &file.cluster.zones;
        let zone = match supervised.spread {
            Spread::Zone if !zones.is_empty() => zones
                .get(instance.ordinal as usize % zones.len())
                .map(ninefold_config::model::Name::shared),
            _ => None,
        };
        Self {
            instance,
            zone,
            supervised,
            folder: absolute(&file.folder()),
            file,
            addresses,
        }
    }

    /// Everything filled in for an instance that listens on `address`.
    pub(crate) fn spec(&self, address: SocketAddr) -> Result<Spec, LaunchError> {
        let values = self.values(address);
        let mut env = match &self.supervised.env_file {
            Some(path) => env_file::read(&self.folder.join(path))?,
            None => BTreeMap::new(),
        };
        let release = self.release(&env);
        for (name, value) in &self.supervised.env {
            env.insert(name.clone(), fill(value, &values)?);
        }
        let mut unset = BTreeSet::from(["NOTIFY_SOCKET", "NINEFOLD_TOKEN"].map(str::to_owned));
        for (name, value) in self.own_variables(address) {
            match value {
                Some(value) => {
                    env.insert(name.to_owned(), value);
                }
                None => {
                    unset.insert(name.to_owned());
                }
            }
        }
        Ok(Spec {
            instance: self.instance.clone(),
            argv: self.command(&self.supervised.run, address)?,
            env,
            unset,
            directory: self.directory(),
            user: self.supervised.user.clone(),
            release: Some(release),
            address,
            log_bytes: self.file.node.log_size.0,
            stop_signal: self.supervised.stop.signal,
            grace_ms: u64::try_from(self.supervised.stop.grace.0.as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// What the file, and the file with variables that it names, say of all replicas alike.
    fn release(&self, variables: &BTreeMap<String, String>) -> Release {
        let Supervised {
            run,
            env,
            directory,
            user,
            version,
            ..
        } = &self.supervised;
        let what = (run, env, variables, directory, user, version);
        let text = serde_json::to_vec(&what).unwrap_or_default();
        // Enough to tell the few apart that a service had lately, and short enough to be read out.
        let short = fnv1a(&text) >> 32;
        Release {
            version: version.clone(),
            revision: format!("{short:08x}"),
        }
    }

    /// A command with its placeholders filled in; a program with a `/` starts from the file's
    /// folder.
    pub(crate) fn command(
        &self,
        command: &[String],
        address: SocketAddr,
    ) -> Result<Vec<String>, LaunchError> {
        let values = self.values(address);
        let mut argv = command
            .iter()
            .map(|word| fill(word, &values))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(program) = argv.first_mut()
            && program.contains('/')
            && !program.starts_with('/')
        {
            let relative = program.strip_prefix("./").unwrap_or(program);
            *program = self.folder.join(relative).to_string_lossy().into_owned();
        }
        Ok(argv)
    }

    /// The working directory.
    pub(crate) fn directory(&self) -> PathBuf {
        match &self.supervised.directory {
            Some(directory) => self.folder.join(directory),
            None => self.folder.clone(),
        }
    }

    fn values(&self, address: SocketAddr) -> Values<'_> {
        Values {
            service: &self.instance.service,
            ordinal: self.instance.ordinal,
            zone: self.zone.as_deref(),
            address,
            addresses: &self.addresses,
        }
    }

    fn own_variables(&self, address: SocketAddr) -> [(&'static str, Option<String>); 8] {
        let egress = self.addresses.egress.as_ref();
        [
            ("PORT", Some(address.port().to_string())),
            ("NINEFOLD_ADDRESS", Some(address.to_string())),
            ("NINEFOLD_CLUSTER", Some(self.file.cluster.name.to_string())),
            ("NINEFOLD_SERVICE", Some(self.instance.service.to_string())),
            ("NINEFOLD_INSTANCE", Some(self.instance.to_string())),
            ("NINEFOLD_ORDINAL", Some(self.instance.ordinal.to_string())),
            ("NINEFOLD_ZONE", self.zone.as_deref().map(str::to_owned)),
            ("NINEFOLD_EGRESS", egress.map(Address::to_string)),
        ]
    }
}

fn absolute(path: &Path) -> PathBuf {
    path.canonicalize()
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}
