//! What a route does when its service cannot answer.

use std::path::PathBuf;

use super::Name;

/// `fallback`: what answers in place of a service that cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// `service`: another one, never the route's own.
    Service(Name),
    /// An answer of the gateway's own.
    Answer(FixedAnswer),
}

/// An answer that is always the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedAnswer {
    /// `status`: 200 to 599. Default 200.
    pub status: u16,
    /// `content_type`. Default `text/plain; charset=utf-8`.
    pub content_type: String,
    /// `body` or `body_file`.
    pub body: FixedBody,
}

/// Where the body of such an answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FixedBody {
    /// `body`: here.
    Text(String),
    /// `body_file`: in this file, relative to the configuration's folder.
    File(PathBuf),
}
