//! The whole file, the cluster and this node.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;

use super::{Bytes, Chaos, Claim, Listener, Name, Service, Slo, Span};

/// A whole `ninefold.toml` without errors.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Where it was read from; relative paths in it are relative to this file's folder.
    pub path: PathBuf,
    /// `[cluster]`.
    pub cluster: Cluster,
    /// `threads`: data threads of the gateway. Default: one per core.
    pub threads: Option<NonZeroU16>,
    /// `[node]`.
    pub node: Node,
    /// `[service.NAME]`, by name.
    pub services: BTreeMap<Name, Service>,
    /// `[[listener]]`, in the order of the file. Every listener has at least one route: a listener
    /// written without any, in a file with exactly one service, routes `/` to that service.
    pub listeners: Vec<Listener>,
    /// `[slo.NAME]`, by name.
    pub slos: BTreeMap<Name, Slo>,
    /// `[[claim]]`, in the order of the file.
    pub claims: Vec<Claim>,
    /// `[chaos]`.
    pub chaos: Chaos,
}

impl File {
    /// The folder that relative paths of the file start from.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        }
    }
}

/// `[cluster]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// `name`. Default: the name of the file's folder where that is a valid name, else `ninefold`.
    pub name: Name,
    /// `zones`: the failure domains that replicas are spread over, in order. Default: none.
    pub zones: Vec<Name>,
    /// `nodes`: how many nodes there are on hosts of their own, at most 200. Default: none, and a node runs everything.
    pub nodes: Option<u32>,
    /// `regions`: by name, the zones that are near each other. Default: none.
    pub regions: BTreeMap<Name, Vec<Name>>,
}

/// `[node]`: what holds for this host only.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// `state`: the folder for the journal, the ledgers and captured output. Default: decided by
    /// the agent from the user and the cluster's name. Relative to the file's folder.
    pub state: Option<PathBuf>,
    /// `zone`: the zone this node is in. Traffic stays there first. Default: none, and all
    /// endpoints are equally far.
    pub zone: Option<Name>,
    /// `rack`: what this node shares with others of its zone, as a rack, a host or a power feed. Default: none.
    pub rack: Option<Name>,
    /// `admin`: where the read-only admin API listens besides its unix socket; loopback only.
    /// Default: `127.0.0.1:9900`, or any free port where that is taken. `"off"` is `None`.
    pub admin: Option<AdminAddress>,
    /// `ports = "21000-21999"`: the ports that `{port}` is taken from, both ends included.
    pub ports: (u16, u16),
    /// `journal_size`: the journal's size on disk at most, over all its files. Default 64 MiB.
    pub journal_size: Bytes,
    /// `log_size`: captured output of one instance on disk at most. Default 16 MiB.
    pub log_size: Bytes,
    /// `drain`: connections that a gateway has open which another one follows, after a reload or an
    /// upgrade, are ended after this. Default 30 s.
    pub drain: Span,
    /// Where its connections to instances on loopback come from, where several nodes share a machine: so it can be
    /// told who asks. No key of the file; [`at_loopback`](crate::at_loopback) sets it.
    pub source: Option<Ipv4Addr>,
}

/// Where the admin API listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdminAddress {
    /// The address.
    pub address: SocketAddr,
    /// Whether the file says so; if not, another port may be taken where this one is in use.
    pub declared: bool,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            state: None,
            zone: None,
            rack: None,
            admin: Some(AdminAddress {
                address: SocketAddr::from(([127, 0, 0, 1], 9_900)),
                declared: false,
            }),
            ports: (21_000, 21_999),
            journal_size: Bytes(64 << 20),
            log_size: Bytes(16 << 20),
            drain: Span::secs(30),
            source: None,
        }
    }
}
