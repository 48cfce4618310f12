//! What is sent, checked before anything starts.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::uri::PathAndQuery;
use http::{Method, Request, Uri};
use http_body_util::Full;
use ninefold_config::model::LoadRequest;

use super::Comparison;

/// Requests in one load at most.
const REQUESTS_MAX: usize = 256;
/// What stands for the id in paths and bodies.
const ID: &str = "{id}";

/// A load request that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Its method is none.
    #[error("load request {0}: `{1}` is no method")]
    Method(usize, String),
    /// Its path is none.
    #[error("load request {0}: `{1}` is no path")]
    Path(usize, String),
    /// One of its headers is none.
    #[error("load request {0}: `{1}` is no header")]
    Header(usize, String),
    /// The host is no header value.
    #[error("`{0}` is no host")]
    Host(String),
    /// No requests, or too many.
    #[error("a load has 1 to {REQUESTS_MAX} requests, not {0}")]
    Count(usize),
    /// A rate that cannot be driven.
    #[error("a load of {0} requests a second cannot be driven: more than 0 and at most 20,000")]
    Rate(String),
}

/// A whole load: where, what, how fast.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) address: SocketAddr,
    pub(super) host: HeaderValue,
    pub(super) requests: Vec<Prepared>,
    pub(super) rate_hz: f64,
    pub(super) timeout: Duration,
    pub(super) run: String,
    /// How its answers are compared, if they are.
    pub(super) comparison: Option<Comparison>,
}

/// One request of the load, ready but for its id.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<String>,
    pub(super) uses_id: bool,
}

impl Plan {
    /// Requests a second at most.
    pub const RATE_MAX: f64 = 20_000.0;

    /// Checks a load. `requests` are taken in turn; `host` is the Host header; `timeout` bounds one
    /// request from its start; `run` makes the ids unique (`run-0`, `run-1`, …) and must be made of
    /// characters that a path may hold.
    ///
    /// # Errors
    ///
    /// Names the first request that cannot be sent.
    pub fn new(
        address: SocketAddr,
        host: &str,
        requests: &[LoadRequest],
        rate_hz: f64,
        timeout: Duration,
        run: &str,
    ) -> Result<Self, PlanError> {
        if requests.is_empty() || requests.len() > REQUESTS_MAX {
            return Err(PlanError::Count(requests.len()));
        }
        if !(rate_hz > 0.0 && rate_hz <= Self::RATE_MAX) {
            return Err(PlanError::Rate(rate_hz.to_string()));
        }
        let prepared: Result<Vec<_>, _> = requests
            .iter()
            .enumerate()
            .map(|(index, request)| Prepared::new(index, request))
            .collect();
        Ok(Self {
            address,
            host: HeaderValue::from_str(host)
                .map_err(|_refused| PlanError::Host(host.to_owned()))?,
            requests: prepared?,
            rate_hz,
            timeout,
            run: run.to_owned(),
            comparison: None,
        })
    }

    /// The same load with ids of its own.
    pub(crate) fn for_trial(&self, number: u32) -> Self {
        Self {
            run: format!("{}-{number}", self.run),
            ..self.clone()
        }
    }

    /// The same load, whose answers are compared.
    pub(crate) fn comparing(self, comparison: Comparison) -> Self {
        Self {
            comparison: Some(comparison),
            ..self
        }
    }

    /// Which of its requests this operation is.
    pub(super) fn turn(&self, number: u64) -> Option<usize> {
        let turns = u64::try_from(self.requests.len()).ok()?;
        usize::try_from(number.checked_rem(turns)?).ok()
    }

    /// The same load to another address.
    pub(crate) fn to(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Where it goes.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests a second.
    pub(crate) const fn rate_hz(&self) -> f64 {
        self.rate_hz
    }

    /// The bound on one request.
    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// How many requests are due before `elapsed` has passed.
    pub(crate) fn intended_by(&self, elapsed: Duration) -> u64 {
        let mut count = 0;
        while self.due(count) < elapsed {
            count += 1;
        }
        count
    }

    /// When request `number` is due, counted from the start of the load.
    pub(super) fn due(&self, number: u64) -> Duration {
        #[expect(
            clippy::cast_precision_loss,
            reason = "the driver stops far below 2^53 operations"
        )]
        let number = number as f64;
        Duration::from_secs_f64(number / self.rate_hz)
    }

    /// Request `number`, and whether it carries an id.
    pub(super) fn request(&self, number: u64) -> Option<(Request<Full<Bytes>>, bool)> {
        let prepared = self.requests.get(self.turn(number)?)?;
        Some((
            prepared.build(&self.id(number), &self.host)?,
            prepared.uses_id,
        ))
    }

    /// The id of request `number`.
    pub(super) fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.run)
    }

    /// A GET of a path with `{id}`, for the id of request `number`.
    pub(super) fn check(&self, path: &str, number: u64) -> Option<Request<Full<Bytes>>> {
        let request = LoadRequest {
            method: "GET".to_owned(),
            path: path.to_owned(),
            headers: std::collections::BTreeMap::new(),
            body: None,
        };
        let prepared = Prepared::new(0, &request).ok()?;
        prepared.build(&self.id(number), &self.host)
    }
}

impl Prepared {
    fn new(index: usize, request: &LoadRequest) -> Result<Self, PlanError> {
        let method = Method::from_bytes(request.method.as_bytes())
            .ok()
            .filter(|method| *method != Method::CONNECT)
            .ok_or_else(|| PlanError::Method(index, request.method.clone()))?;
        let refused = || PlanError::Path(index, request.path.clone());
        let tried = request.path.replace(ID, "0").parse::<PathAndQuery>();
        tried.map_err(|_refused| refused())?;
        if !request.path.starts_with('/') {
            return Err(refused());
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let refused = || PlanError::Header(index, name.clone());
            let name: HeaderName = name.parse().map_err(|_refused| refused())?;
            let value = HeaderValue::from_str(value).map_err(|_refused| refused())?;
            headers.insert(name, value);
        }
        if !headers.contains_key(USER_AGENT) {
            // Injected requests carry a mark end to end.
            headers.insert(USER_AGENT, HeaderValue::from_static("ninefold-verify"));
        }
        let has_id = |text: &str| text.contains(ID);
        Ok(Self {
            method,
            path: request.path.clone(),
            uses_id: has_id(&request.path) || request.body.as_deref().is_some_and(has_id),
            headers,
            body: request.body.clone(),
        })
    }

    fn build(&self, id: &str, host: &HeaderValue) -> Option<Request<Full<Bytes>>> {
        let body = self.body.as_ref().map(|body| body.replace(ID, id));
        let mut request = Request::new(Full::new(Bytes::from(body.unwrap_or_default())));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.replace(ID, id).parse::<Uri>().ok()?;
        *request.headers_mut() = self.headers.clone();
        if !self.headers.contains_key(HOST) {
            request.headers_mut().insert(HOST, host.clone());
        }
        Some(request)
    }
}

/// RFC 9110, section 9.2.2.
pub(super) fn idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::PUT | Method::DELETE
    )
}
