//! Who is at the other end of a client's connection.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Ip(SocketAddr),
    /// A process of this host, on a Unix socket: it has no address.
    Unix,
}

impl Peer {
    /// Where clients are told apart by their address, those without one are one client.
    pub(crate) const fn ip(self) -> IpAddr {
        match self {
            Self::Ip(address) => address.ip(),
            Self::Unix => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        }
    }

    pub(crate) const fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(address),
            Self::Unix => None,
        }
    }

    /// Without the port, as logs have it.
    pub(crate) fn host(self) -> String {
        match self {
            Self::Ip(address) => address.ip().to_string(),
            Self::Unix => self.to_string(),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}
