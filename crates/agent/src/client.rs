//! The admin API from the other side: what the commands speak over the unix socket.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use ninefold_chaos::{System, SystemError};
use ninefold_core::event::{Event, FaultNotice, Incident};
use ninefold_core::id::InstanceId;
use ninefold_core::status::NodeStatus;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::reload::{ReloadReport, ReloadRequest};
use crate::state::StateFolder;
use crate::takeover::{UpgradeRequest, UpgradeStarted};

/// Answers larger than this are refused.
const ANSWER_MAX: usize = 64 << 20;

/// Events that are asked for at once, as `verify` reads a journal.
const EVENTS_MAX: usize = 1_000;

/// How long an answer may take, beyond what the request itself asks to wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a reload may take: what is added has to become ready.
const RELOAD_PATIENCE: Duration = Duration::from_secs(45 * 60);

/// A client of one node's admin API.
#[derive(Clone, Debug)]
pub struct AdminClient {
    socket: PathBuf,
}

/// Why a call got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing answers on the socket. Nothing was done.
    #[error("no answer on {socket}: {source}; is `ninefold up` running?", socket = socket.display())]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The answer broke off or did not come in time. What was asked for may have been done.
    #[error("{socket}: {what}", socket = socket.display())]
    Broken {
        /// The socket.
        socket: PathBuf,
        /// How.
        what: String,
    },
    /// The node refused.
    #[error("{message}")]
    Refused {
        /// The status of the answer.
        status: u16,
        /// What the node said.
        message: String,
    },
}

/// One page of the journal.
#[derive(Debug, Serialize, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct EventPage {
    /// The events, oldest first.
    pub(crate) events: Vec<Event>,
    /// Ask for what follows with `after` set to this.
    pub(crate) next: u64,
}

/// The incidents that are kept.
#[derive(Debug, Serialize, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct IncidentList {
    /// The incidents, newest first.
    pub(crate) incidents: Vec<Incident>,
}

/// Why a node stops, as asked for.
#[derive(Debug, Serialize, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct StopRequest {
    /// Who asks, for the journal.
    pub(crate) reason: String,
}

/// Which instance answers rightly again, as a person says.
#[derive(Debug, Serialize, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct ReadmitRequest {
    /// The instance.
    pub(crate) instance: InstanceId,
}

/// How an injected fault ended.
#[derive(Debug, Serialize, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct FaultEnd {
    /// `rolled back`, `expired`, `not applied`.
    pub(crate) how: String,
}

/// The body of every refusal.
#[derive(Debug, Serialize, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Refusal {
    /// What is wrong, and what to do.
    pub(crate) error: String,
}

impl AdminClient {
    /// A client of the node in `state`.
    #[must_use]
    pub fn new(state: &StateFolder) -> Self {
        Self {
            socket: state.socket(),
        }
    }

    /// What is up.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn status(&self) -> Result<NodeStatus, ClientError> {
        self.json(Method::GET, "/v1/status", None, Duration::ZERO)
            .await
    }

    /// The journal after `seq`; waits up to `wait` for something new.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn events(
        &self,
        after: u64,
        limit: usize,
        wait: Duration,
    ) -> Result<(Vec<Event>, u64), ClientError> {
        let path = format!(
            "/v1/events?after={after}&limit={limit}&wait_ms={}",
            wait.as_millis()
        );
        let page: EventPage = self.json(Method::GET, &path, None, wait).await?;
        Ok((page.events, page.next))
    }

    /// The incidents that are kept, newest first.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn incidents(&self) -> Result<Vec<Incident>, ClientError> {
        let list: IncidentList = self
            .json(Method::GET, "/v1/incidents", None, Duration::ZERO)
            .await?;
        Ok(list.incidents)
    }

    /// One incident.
    ///
    /// # Errors
    /// When the node does not answer or knows no such incident.
    pub async fn incident(&self, id: &str) -> Result<Incident, ClientError> {
        let id = path_segment(id);
        self.json(
            Method::GET,
            &format!("/v1/incidents/{id}"),
            None,
            Duration::ZERO,
        )
        .await
    }

    /// Asks the node to stop in order; it answers before it has stopped.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn stop(&self, reason: &str) -> Result<(), ClientError> {
        let body = encode(&StopRequest {
            reason: reason.to_owned(),
        });
        self.call(Method::POST, "/v1/stop", Some(body), Duration::ZERO)
            .await
            .map(drop)
    }

    /// Takes an instance back that is in quarantine.
    ///
    /// # Errors
    /// When the node does not answer, or refuses: with status 409 if the instance is not in quarantine there.
    pub async fn readmit(&self, instance: &InstanceId) -> Result<(), ClientError> {
        let body = encode(&ReadmitRequest {
            instance: instance.clone(),
        });
        self.call(Method::POST, "/v1/readmit", Some(body), Duration::ZERO)
            .await
            .map(drop)
    }

    /// Has the node go on by another file, or by the same one read again; it answers once that is
    /// done, or rolled back.
    ///
    /// # Errors
    /// When the node does not answer or refuses: with status 422 if the file has errors, with 409 if
    /// it asks for what cannot be changed.
    pub async fn reload(&self, request: &ReloadRequest) -> Result<ReloadReport, ClientError> {
        let body = Some(encode(request));
        self.json(Method::POST, "/v1/reload", body, RELOAD_PATIENCE)
            .await
    }

    /// Has the node start a successor; the process of that. It serves once the status names it.
    ///
    /// # Errors
    /// When the node does not answer, or the program cannot be started.
    pub async fn upgrade(&self, request: &UpgradeRequest) -> Result<u32, ClientError> {
        let body = Some(encode(request));
        let started: UpgradeStarted = self
            .json(Method::POST, "/v1/upgrade", body, Duration::ZERO)
            .await?;
        Ok(started.pid)
    }

    /// The metrics in the Prometheus text format.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn metrics(&self) -> Result<String, ClientError> {
        let body = self
            .call(Method::GET, "/metrics", None, Duration::ZERO)
            .await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        wait: Duration,
    ) -> Result<T, ClientError> {
        let body = self.call(method, path, body, wait).await?;
        serde_json::from_slice(&body).map_err(|error| {
            self.broken(format!("the answer to {path} is not understood: {error}"))
        })
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        wait: Duration,
    ) -> Result<Bytes, ClientError> {
        match tokio::time::timeout(PATIENCE + wait, self.exchange(method, path, body)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(self.broken(format!("no answer within {PATIENCE:?}"))),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Bytes, ClientError> {
        let stream =
            UnixStream::connect(&self.socket)
                .await
                .map_err(|source| ClientError::Unreachable {
                    socket: self.socket.clone(),
                    source,
                })?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.broken(error.to_string()))?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::HOST, "ninefold")
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Full::new(body.unwrap_or_default()))
            .map_err(|error| self.broken(error.to_string()))?;
        let answer = async {
            let answer = sender
                .send_request(request)
                .await
                .map_err(|error| error.to_string())?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER_MAX)
                .collect()
                .await
                .map_err(|error| error.to_string())?;
            Ok::<_, String>((status, body.to_bytes()))
        };
        tokio::pin!(answer);
        let (status, body) = tokio::select! {
            biased;
            answer = &mut answer => answer,
            ended = connection => match ended {
                // What came before its end is there.
                Ok(()) => answer.await,
                Err(error) => Err(error.to_string()),
            },
        }
        .map_err(|what| self.broken(what))?;
        if status.is_success() {
            Ok(body)
        } else {
            Err(refusal(status, &body))
        }
    }

    fn broken(&self, what: String) -> ClientError {
        ClientError::Broken {
            socket: self.socket.clone(),
            what,
        }
    }
}

impl System for AdminClient {
    async fn events(&self, after: u64) -> Result<Vec<Event>, SystemError> {
        let page = Self::events(self, after, EVENTS_MAX, Duration::ZERO).await;
        page.map(|(events, _)| events)
            .map_err(|error| SystemError(error.to_string()))
    }

    async fn status(&self) -> Result<NodeStatus, SystemError> {
        Self::status(self)
            .await
            .map_err(|error| SystemError(error.to_string()))
    }

    async fn incidents(&self) -> Result<Vec<Incident>, SystemError> {
        Self::incidents(self)
            .await
            .map_err(|error| SystemError(error.to_string()))
    }

    async fn announce(&self, notice: &FaultNotice) -> Result<(), SystemError> {
        self.call(
            Method::POST,
            "/v1/faults",
            Some(encode(notice)),
            Duration::ZERO,
        )
        .await
        .map(drop)
        .map_err(|error| SystemError(error.to_string()))
    }

    async fn end_fault(&self, id: &str, how: &str) -> Result<(), SystemError> {
        let body = encode(&FaultEnd {
            how: how.to_owned(),
        });
        let path = format!("/v1/faults/{}/end", path_segment(id));
        self.call(Method::POST, &path, Some(body), Duration::ZERO)
            .await
            .map(drop)
            .map_err(|error| SystemError(error.to_string()))
    }
}

fn encode(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

fn refusal(status: StatusCode, body: &[u8]) -> ClientError {
    let message = match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) => refusal.error,
        Err(_not_ours) => format!("{status}: {}", String::from_utf8_lossy(body)),
    };
    ClientError::Refused {
        status: status.as_u16(),
        message,
    }
}

/// Percent-encodes everything that may not stand in one path segment.
fn path_segment(text: &str) -> String {
    text.bytes().fold(String::new(), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::path_segment;

    #[test]
    fn a_segment_cannot_leave_its_place() {
        assert_eq!(path_segment("inc-12"), "inc-12");
        assert_eq!(path_segment("a/../b?c"), "a%2F..%2Fb%3Fc");
    }
}
