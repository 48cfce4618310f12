//! What an answer says about its endpoint.

use std::fmt;

use http::{HeaderMap, StatusCode};
use ninefold_core::ejection::{Grade, Testimony};
use ninefold_core::policy::classify::GrpcStatus;

use crate::exchange::GRPC_STATUS;
use crate::http1::AnswerHead;

/// What the head of an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) testimony: Testimony,
    /// How grave it is, if it speaks against the endpoint.
    pub(super) grade: Grade,
    /// Whether another endpoint may give a better one.
    pub(super) curable: bool,
    /// Whether the end of the answer has a word to say yet.
    pub(super) open: bool,
    code: Code,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    Http(StatusCode),
    Grpc(GrpcStatus),
}

impl Verdict {
    /// Of an answer's head; `grpc` if it is that of a gRPC call.
    pub(super) fn of(head: &AnswerHead, grpc: bool) -> Self {
        let status = head.status.as_u16();
        let call = grpc && head.status == StatusCode::OK;
        if let Some(status) = call.then(|| grpc_status(&head.headers)).flatten() {
            let grade = Grade::of_grpc(status);
            let testimony = Testimony::of_grpc(status);
            return Self {
                testimony,
                grade,
                curable: testimony == Testimony::Against && grade == Grade::Gateway,
                open: false,
                code: Code::Grpc(status),
            };
        }
        let grade = Grade::of(status);
        let testimony = Testimony::of(status);
        Self {
            testimony,
            grade,
            curable: testimony == Testimony::Against && grade == Grade::Gateway,
            open: call,
            code: Code::Http(head.status),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Code::Http(status) => write!(f, "status {}", status.as_u16()),
            Code::Grpc(GrpcStatus(status)) => write!(f, "gRPC status {status}"),
        }
    }
}

/// The status of a call, from the head or the trailers of its answer. What is no number is UNKNOWN.
pub(crate) fn grpc_status(headers: &HeaderMap) -> Option<GrpcStatus> {
    let value = headers.get(GRPC_STATUS)?;
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    Some(GrpcStatus(number.unwrap_or(2)))
}
