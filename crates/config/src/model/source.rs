//! `endpoints` that come and go.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::Span;

/// Where the endpoints of an external service are found. An answer that is empty, or cannot be had,
/// leaves them as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// `dns`, `srv` or `file`: exactly one.
    pub kind: SourceKind,
    /// `nameserver`: whom to ask for names. Default: those of the system.
    pub nameserver: Option<SocketAddr>,
    /// `every`: after so long it is looked at again, however long records live. Default: 30 s for
    /// names, 1 s for files.
    pub every: Span,
    /// `min_ttl`: a name is not looked up sooner again. Default 1 s.
    pub min_ttl: Span,
}

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// `dns`: host and port. Every address of the host is an endpoint.
    Dns(String),
    /// `srv`: the name of SRV records.
    Srv(String),
    /// `file`: a list of endpoints, relative to the file's folder.
    File(PathBuf),
}

impl SourceKind {
    /// How often it is looked at by default.
    #[must_use]
    pub const fn every(&self) -> Span {
        match self {
            Self::Dns(_) | Self::Srv(_) => Span::secs(30),
            Self::File(_) => Span::secs(1),
        }
    }
}

impl Source {
    /// A source with the default times, and the system's name servers.
    #[must_use]
    pub const fn new(kind: SourceKind) -> Self {
        Self {
            every: kind.every(),
            kind,
            nameserver: None,
            min_ttl: Span::secs(1),
        }
    }
}

/// As in `dns db.example.org:80`.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            SourceKind::Dns(name) => write!(f, "dns {name}"),
            SourceKind::Srv(name) => write!(f, "srv {name}"),
            SourceKind::File(path) => write!(f, "file {}", path.display()),
        }
    }
}
