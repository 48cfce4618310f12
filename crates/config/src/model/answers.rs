//! How it is checked that answers are right.

use ninefold_core::answer::Ignore;

use super::{Ratio, Span};

/// Bytes of a body that are compared at most; larger ones are not.
pub const COMPARED_MAX: u64 = 64 << 10;

/// `answers`: whoever answers wrongly is put into quarantine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// `canary`: requests with known answers, asked of every instance.
    pub canaries: Vec<Canary>,
    /// `vote`: answers of several instances to one request are compared.
    pub vote: Option<Vote>,
    /// `ignore`: members of JSON that do not count. Default none.
    pub ignore: Vec<Ignore>,
}

/// A request with a known answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// `path`: what is asked for by GET, maybe with a query.
    pub path: String,
    /// `expect.status`. Default 200.
    pub status: u16,
    /// `expect.body` or `expect.body_sha256`.
    pub body: KnownBody,
    /// `every`: from one try to the next. Default 5 s; soon after a wrong answer.
    pub every: Span,
    /// `timeout`: for the whole answer; at most `every`. Default 1 s.
    pub timeout: Span,
}

/// What the body of a known answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownBody {
    /// `body`: this. JSON is compared as JSON.
    Text(String),
    /// `body_sha256`: bytes with this hash.
    Sha256([u8; 32]),
}

/// `vote`: who answers otherwise than two others that agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// `share`: of the GET requests that were answered. Default 1 %.
    pub share: Ratio,
    /// `credentials`: whether requests with credentials or cookies are sent to others as well. Default
    /// false.
    pub credentials: bool,
}
