//! Answers that the gateway makes itself.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode, Version};
use serde::Serialize;

use super::Delivery;
use super::form::{Form, grpc_message, grpc_status};
use super::headers::{GRPC_MESSAGE, GRPC_PUSHBACK, GRPC_STATUS, REASON};
use crate::request_end::RequestEnd;

/// An answer of the gateway's own.
#[derive(Clone, Debug)]
pub(super) struct OwnAnswer {
    pub(super) status: StatusCode,
    /// What it is: who is to blame, and where it happened.
    pub(super) end: RequestEnd,
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
    pub(super) fn new(status: StatusCode, end: RequestEnd, detail: impl Into<String>) -> Self {
        Self {
            status,
            end,
            detail: detail.into(),
            close: false,
            retry_after: (status == StatusCode::SERVICE_UNAVAILABLE)
                .then_some(Duration::from_secs(1)),
        }
    }

    /// `WHO/PHASE`, as the header says it.
    fn reason(&self) -> &'static str {
        self.end.reason().unwrap_or_else(|| self.end.by())
    }

    /// The response, in the form that the client asked for.
    pub(super) fn response(self, form: Form, version: Version) -> Response<Delivery> {
        if form.is_grpc() {
            return self.trailers_only();
        }
        let error = self.status.canonical_reason().unwrap_or("Error");
        let as_json = Json {
            error,
            reason: self.reason(),
            detail: &self.detail,
        };
        let (kind, mut body) = match serde_json::to_string(&as_json) {
            Ok(body) if form == Form::Json => ("application/json", body),
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
        headers.insert(REASON, HeaderValue::from_static(self.reason()));
        if let Some(after) = self.retry_after {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.close && version != Version::HTTP_2 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn trailers_only(&self) -> Response<Delivery> {
        let mut response = Response::new(Delivery::Own(None));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(GRPC_STATUS, HeaderValue::from(grpc_status(self.status)));
        if let Ok(message) = HeaderValue::try_from(grpc_message(&self.detail)) {
            headers.insert(GRPC_MESSAGE, message);
        }
        headers.insert(REASON, HeaderValue::from_static(self.reason()));
        if let Some(after) = self.retry_after {
            let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            headers.insert(GRPC_PUSHBACK, HeaderValue::from(millis));
        }
        response
    }
}
