//! What keeps one trouble from becoming everybody's.

use super::{Ratio, Span};

/// `breaker`: when a service that fails as a whole is no longer asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// `failure_rate`: it opens when at least this share of the requests in `window` failed. Default
    /// 80 %.
    pub failure_rate: Ratio,
    /// `minimum_calls`: requests in `window` without which it stays closed. Default 20.
    pub minimum_calls: u32,
    /// `window`: how far back requests count. Default 5 s.
    pub window: Span,
    /// `open_wait`: how long it is open before some requests try the service; doubled each time that
    /// they fail. Default 1 s.
    pub open_wait: Span,
    /// `open_wait_max`: what that grows to. Default 5 s, or `open_wait`.
    pub open_wait_max: Span,
    /// `trials`: how many requests try the service; four of five have to succeed. Default 5.
    pub trials: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            failure_rate: Ratio::percent(80),
            minimum_calls: 20,
            window: Span::secs(5),
            open_wait: Span::secs(1),
            open_wait_max: Span::secs(5),
            trials: 5,
        }
    }
}

/// `bulkhead`: how many requests of one key may be under way on a route, by shuffle sharding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bulkhead {
    /// `key`: whose requests share their places. Default: those of a client's address.
    pub key: BulkheadKey,
    /// `concurrency`: requests under way in each shard.
    pub concurrency: u32,
    /// `shards`. Default 64.
    pub shards: u32,
    /// `per_key`: how many shards a key has; at most `shards`. Default 4.
    pub per_key: u32,
}

/// `key`: whose requests share their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BulkheadKey {
    /// Those of a client's address; of IPv6, its first 64 bits.
    Client,
    /// Those with one value of this header, in lower case; those without it too.
    Header(String),
}
