//! Answers that the gateway makes itself.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode, Version};
use serde::Serialize;

use super::Delivery;
use super::headers::REASON;

/// An answer of the gateway's own.
#[derive(Clone, Debug)]
pub(super) struct OwnAnswer {
    pub(super) status: StatusCode,
    /// `WHO/PHASE`: who is to blame, and where it happened.
    pub(super) reason: &'static str,
    pub(super) detail: String,
    /// Whether the connection ends with it.
    pub(super) close: bool,
    /// When another request may have another answer.
    pub(super) retry_after: Option<Duration>,
}

#[derive(Serialize)]
struct Json<'a> {
    error: &'a str,
    reason: &'a str,
    detail: &'a str,
}

impl OwnAnswer {
    pub(super) fn new(status: StatusCode, reason: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            reason,
            detail: detail.into(),
            close: false,
            retry_after: (status == StatusCode::SERVICE_UNAVAILABLE)
                .then_some(Duration::from_secs(1)),
        }
    }

    /// The response, in JSON if the client asked for it.
    pub(super) fn response(self, json: bool, version: Version) -> Response<Delivery> {
        let error = self.status.canonical_reason().unwrap_or("Error");
        let as_json = Json {
            error,
            reason: self.reason,
            detail: &self.detail,
        };
        let (kind, mut body) = match serde_json::to_string(&as_json) {
            Ok(body) if json => ("application/json", body),
            _ => (
                "text/plain; charset=utf-8",
                format!("{error}: {}", self.detail),
            ),
        };
        body.push('\n');
        let mut response = Response::new(Delivery::own(Bytes::from(body)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(REASON, HeaderValue::from_static(self.reason));
        if let Some(after) = self.retry_after {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.close && version != Version::HTTP_2 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
