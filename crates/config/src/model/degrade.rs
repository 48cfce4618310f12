//! What a route does when its service cannot answer.

use std::path::PathBuf;

use super::{Bytes, Name, Ratio, Span};

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

/// `cache`: answers that are kept, and for how long they are used where they say nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// `size`: of all that is kept. Default 64 MiB.
    pub size: Bytes,
    /// `body_size`: larger bodies pass by. Default 1 MiB; never more than half of a lock's part of
    /// `size`.
    pub body_size: Bytes,
    /// `fresh`: how long a 200 that does not say it is used like a new one. Default 0 s.
    pub fresh: Span,
    /// `stale_while_revalidate`: how long after that it is used while a new one is fetched. Default
    /// 10 s.
    pub stale_while_revalidate: Span,
    /// `stale_if_error`: how long after its freshness it is used when the service fails. Default 1 h.
    pub stale_if_error: Span,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            size: Bytes(64 << 20),
            body_size: Bytes(1 << 20),
            fresh: Span::secs(0),
            stale_while_revalidate: Span::secs(10),
            stale_if_error: Span::secs(3_600),
        }
    }
}

/// `split`: a share of the requests goes to another service, the canary.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// `service`: the canary.
    pub service: Name,
    /// `share`: of the requests, or of those who stick.
    pub share: Ratio,
    /// `sticky`: what decides together. Default: each request by itself.
    pub sticky: Option<Sticky>,
    /// `roll_back`: whether a canary that certainly fails more often than the route's own service
    /// gets nothing more. Default true.
    pub roll_back: bool,
}

/// `mirror`: copies of requests go to another service, and nobody waits for what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// `service`: which gets them.
    pub service: Name,
    /// `share`: of the requests. Default all.
    pub share: Ratio,
}

/// `sticky`: whose requests go to the same service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sticky {
    /// Those of a client's address; of IPv6, its first 64 bits.
    Client,
    /// Those with one value of this header, in lower case; those without it by their client.
    Header(String),
    /// Those with one value of this cookie; those without it by their client.
    Cookie(String),
}

/// `brownout`: under load, instances are told to leave the optional part of their answers out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brownout {
    /// `target`: what the 95th percentile of the route's answers is held at.
    pub target: Span,
    /// `min_share`: of the requests that always get the optional part. Default 0 %.
    pub min_share: Ratio,
}
