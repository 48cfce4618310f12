//! What is said in a join: a line of JSON there, and one back.

use std::fmt;
use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use crate::seal::KeyRing;

/// The version of both lines.
pub(super) const VERSION: u32 = 1;

/// Bytes of a request at most.
pub(super) const REQUEST_MAX: u64 = 16 << 10;

/// Bytes of an answer at most.
pub(super) const ANSWER_MAX: u64 = 64 << 10;

/// Bytes, in base64.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

/// What a newcomer says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) version: u32,
    pub(super) cluster: String,
    /// Of the token.
    pub(super) secret: Bytes,
    /// What it wants to be called.
    pub(super) node: String,
    /// Its public key: a point of P-256, uncompressed.
    pub(super) key: Bytes,
    /// Its signature, see [`super::proof`].
    pub(super) proof: Bytes,
}

/// What it is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    Admitted(Admitted),
    Refused(Refusal),
}

/// What a node needs.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Admitted {
    /// Its certificate, in PEM.
    pub(super) certificate: String,
    /// The authority's, in PEM.
    pub(super) authority: String,
    pub(super) keys: KeyRing,
    /// Where members gossip.
    pub(super) seeds: Vec<SocketAddr>,
}

/// Why a newcomer is not admitted, as it is told. Nothing was changed, and its token is as good as before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The other side speaks another version.
    #[error(
        "it speaks version {0} of joining, and this Ninefold {VERSION}; use the same Ninefold on both hosts"
    )]
    Version(u32),
    /// It is another cluster.
    #[error("it is a node of another cluster, `{0}`; look at the address")]
    Cluster(String),
    /// It knows no such token.
    #[error("it does not know this token; make one with `ninefold token` on that node")]
    Token,
    /// The token is over by its clock.
    #[error("this token is over; make another one with `ninefold token` on that node")]
    Expired,
    /// The token admitted as many as it was for.
    #[error("this token was used already; make another one with `ninefold token` on that node")]
    UsedUp,
    /// The name is none.
    #[error("{0}")]
    Name(String),
    /// The node of that name was expelled.
    #[error(
        "`{0}` was expelled from the cluster; choose another --node, or take it back with `ninefold expel {0} --undo` on that node"
    )]
    Expelled(String),
    /// A live member has the name.
    #[error("`{node}` is a member already, or became one a moment ago; taken are {taken}: choose another --node, or stop that one first", taken = taken.join(", "))]
    Taken {
        /// The name.
        node: String,
        /// The names of live members.
        taken: Vec<String>,
    },
    /// The request is not what it should be.
    #[error("it did not understand the request: {0}")]
    Request(String),
    /// It could not do it.
    #[error("it could not admit anybody: {0}; see its log")]
    Failed(String),
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text);
        bytes
            .map(Self)
            .map_err(|_error| D::Error::custom("no base64"))
    }
}

/// No line was read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// The other side has gone.
    #[error("{0}")]
    Gone(String),
    /// It said something else.
    #[error("{0}")]
    Wrong(String),
}

/// Reads one line.
pub(super) async fn read<T: DeserializeOwned>(
    from: impl AsyncBufRead + Unpin,
    size_max: u64,
) -> Result<T, ReadError> {
    let mut line = Vec::new();
    let mut bounded = from.take(size_max);
    let read = bounded.read_until(b'\n', &mut line).await;
    if read.map_err(|error| ReadError::Gone(error.to_string()))? == 0 {
        let why = "the connection was closed without a word";
        return Err(ReadError::Gone(why.to_owned()));
    }
    if line.pop() != Some(b'\n') {
        let why = format!("no line of {size_max} bytes or less");
        return Err(ReadError::Wrong(why));
    }
    serde_json::from_slice(&line).map_err(|error| ReadError::Wrong(error.to_string()))
}

/// A line; none if it cannot be one.
pub(super) fn line(value: &impl Serialize) -> Result<Vec<u8>, String> {
    let mut line = serde_json::to_vec(value).map_err(|error| error.to_string())?;
    line.push(b'\n');
    Ok(line)
}
