//! What answers where a service cannot.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use ninefold_config::model::{FixedAnswer, FixedBody};
use serde::{Deserialize, Serialize};

/// The largest body of a fixed answer; the largest that a file's text can hold.
const BODY_MAX: u64 = 1 << 20;

/// Why a fallback answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FallbackCause {
    /// No endpoint was up.
    NoEndpoint,
    /// Every attempt failed before an answer.
    Failed,
    /// The service had more to do than it could.
    Overload,
    /// The service's answer was a 502, 503 or 504.
    Status,
    /// The service failed as a whole, and its breaker was open.
    Breaker,
    /// The places of the route were taken, those of most clients or tenants.
    Bulkhead,
}

impl FallbackCause {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [
        Self::NoEndpoint,
        Self::Failed,
        Self::Overload,
        Self::Status,
        Self::Breaker,
        Self::Bulkhead,
    ];

    /// The name used in the header, the access log and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoEndpoint => "no-endpoint",
            Self::Failed => "failed",
            Self::Overload => "overload",
            Self::Status => "status",
            Self::Breaker => "breaker",
            Self::Bulkhead => "bulkhead",
        }
    }
}

/// The body of a fixed answer cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the body of the fallback of route {route}, {path}, cannot be read: {error}")]
pub struct FallbackError {
    route: String,
    path: PathBuf,
    #[source]
    error: io::Error,
}

/// A route's fallback.
#[derive(Clone, Debug)]
pub(crate) enum Fallback {
    /// Index of another service.
    Service(usize),
    /// An answer of the gateway's own.
    Fixed(Fixed),
}

/// An answer that is always the same.
#[derive(Clone, Debug)]
pub(crate) struct Fixed {
    pub(crate) status: StatusCode,
    pub(crate) content_type: HeaderValue,
    pub(crate) body: Bytes,
}

impl Fallback {
    /// Whether it may answer a request. `reads`: it is a GET or HEAD; `resendable`: it was not sent
    /// to anybody, or may be sent again, and there is time for it.
    pub(crate) fn covers(&self, reads: bool, resendable: bool) -> bool {
        match self {
            Self::Service(_) => resendable,
            // Nobody is to believe that something was done.
            Self::Fixed(fixed) => reads || fixed.status.as_u16() >= 400,
        }
    }
}

impl Fixed {
    /// Reads the body, from `folder` where it is in a file.
    pub(crate) fn load(
        answer: &FixedAnswer,
        route: &str,
        folder: &Path,
    ) -> Result<Self, FallbackError> {
        let body = match &answer.body {
            FixedBody::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
            FixedBody::File(named) => {
                let path = folder.join(named);
                read(&path).map_err(|error| FallbackError {
                    route: route.to_owned(),
                    path,
                    error,
                })?
            }
        };
        // A valid file has valid ones.
        let status = StatusCode::from_u16(answer.status);
        let content_type = HeaderValue::try_from(&answer.content_type);
        Ok(Self {
            status: status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
            content_type: content_type.unwrap_or(HeaderValue::from_static("text/plain")),
            body,
        })
    }
}

fn read(path: &Path) -> io::Result<Bytes> {
    use std::io::Read as _;
    let mut body = Vec::new();
    let mut file = std::fs::File::open(path)?.take(BODY_MAX + 1);
    file.read_to_end(&mut body)?;
    if body.len() as u64 > BODY_MAX {
        return Err(io::Error::other("it is larger than 1MiB"));
    }
    Ok(Bytes::from(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(status: u16) -> Fallback {
        Fallback::Fixed(Fixed {
            status: StatusCode::from_u16(status).unwrap(),
            content_type: HeaderValue::from_static("text/plain"),
            body: Bytes::new(),
        })
    }

    #[test]
    fn a_write_is_never_answered_as_if_it_were_done() {
        for reads in [false, true] {
            for resendable in [false, true] {
                let service = Fallback::Service(0);
                assert_eq!(service.covers(reads, resendable), resendable);
                for status in [200, 204, 302, 399] {
                    assert_eq!(fixed(status).covers(reads, resendable), reads, "{status}");
                }
                for status in [400, 404, 503] {
                    assert!(fixed(status).covers(reads, resendable), "{status}");
                }
            }
        }
    }

    #[test]
    fn a_body_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("body");
        let size = usize::try_from(BODY_MAX).unwrap();
        std::fs::write(&path, vec![b'x'; size]).unwrap();
        assert_eq!(read(&path).unwrap().len(), size);
        std::fs::write(&path, vec![b'x'; size + 1]).unwrap();
        assert!(read(&path).is_err());
    }
}
