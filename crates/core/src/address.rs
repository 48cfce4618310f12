//! Where something listens: a port, or a Unix socket.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What the address of a Unix socket begins with.
const UNIX: &str = "unix:";

/// The longest path of a Unix socket in bytes: `sun_path` has 108, the last one of them zero.
const UNIX_PATH_MAX: usize = 107;

/// An address, written `IP:PORT` or `unix:/path`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// The absolute path of a Unix socket.
    Unix(Arc<str>),
}

/// What is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// Neither form.
    #[error("`{0}` is no address")]
    Neither(String),
    /// Whoever reads it may be in another folder.
    #[error("`{0}` has no absolute path: write it whole, as in \"unix:/run/shop/web.sock\"")]
    Relative(String),
    /// A path that no socket can have.
    #[error("`{0}` has a zero byte in its path")]
    Zero(String),
    /// The system would not take it.
    #[error(
        "the path in `{text}` has {length} bytes, and that of a Unix socket has {UNIX_PATH_MAX} at most"
    )]
    TooLong {
        /// The address.
        text: String,
        /// Bytes of its path.
        length: usize,
    },
}

impl Address {
    /// Whether `text` is meant to be the address of a Unix socket, right or wrong.
    #[must_use]
    pub fn means_unix(text: &str) -> bool {
        text.starts_with(UNIX)
    }

    /// The IP address and port, if that is what it is.
    #[must_use]
    pub const fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    /// The path of a Unix socket, if that is what it is.
    #[must_use]
    pub fn unix(&self) -> Option<&str> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(path) => Some(path),
        }
    }

    /// Whether only this host can reach it.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => match address.ip() {
                IpAddr::V4(ip) => ip.is_loopback(),
                IpAddr::V6(ip) => ip.is_loopback(),
            },
            Self::Unix(_) => true,
        }
    }

    /// Who is meant by a request that names nobody: `Host` or `:authority`. A path is neither.
    #[must_use]
    pub fn authority(&self) -> String {
        match self {
            Self::Tcp(address) => address.to_string(),
            Self::Unix(_) => "localhost".to_owned(),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let Some(path) = text.strip_prefix(UNIX) else {
            let parsed = text.parse().map(Self::Tcp);
            return parsed.map_err(|_not| InvalidAddress::Neither(text.to_owned()));
        };
        let text = text.to_owned();
        match path.len() {
            _ if path.contains('\0') => Err(InvalidAddress::Zero(text)),
            _ if !path.starts_with('/') || path.ends_with('/') => {
                Err(InvalidAddress::Relative(text))
            }
            length if length > UNIX_PATH_MAX => Err(InvalidAddress::TooLong { text, length }),
            _ => Ok(Self::Unix(Arc::from(path))),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{path}"),
        }
    }
}

impl TryFrom<String> for Address {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, InvalidAddress> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["127.0.0.1:80", "[::1]:0", "unix:/a", "unix:/run/a b/c.sock"] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
            let json = serde_json::to_string(&address).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Address>(&json).unwrap(), address);
        }
    }

    #[test]
    fn a_path_is_absolute_and_short_enough_for_the_system() {
        let of = |length: usize| format!("unix:/{}", "a".repeat(length - 1)).parse::<Address>();
        assert!(of(107).is_ok());
        let long = of(108).unwrap_err().to_string();
        assert!(long.ends_with("has 108 bytes, and that of a Unix socket has 107 at most"));
        for bad in [
            "",
            "x",
            "1.2.3.4",
            "unix:",
            "unix:a",
            "unix:./a",
            "unix:/",
            "unix:/a/",
            "unix:/a\0b",
            "unix://",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad:?}");
        }
    }
}
