//! What keeps one trouble from becoming everybody's.

use super::view::View;
use crate::model::{Breaker, Bulkhead, BulkheadKey};

/// The breaker of a service, if it has one.
pub(super) fn breaker(service: View<'_, '_>) -> Option<Breaker> {
    service
        .value("breaker")
        .filter(|_| !service.is_off("breaker"))?;
    let table = service.table("breaker");
    let default = Breaker::default();
    let open_wait = table.parse("open_wait").unwrap_or(default.open_wait);
    let open_wait_max = table.parse("open_wait_max");
    Some(Breaker {
        failure_rate: table.parse("failure_rate").unwrap_or(default.failure_rate),
        minimum_calls: table
            .integer("minimum_calls")
            .unwrap_or(default.minimum_calls),
        window: table.parse("window").unwrap_or(default.window),
        open_wait,
        open_wait_max: open_wait_max.unwrap_or_else(|| default.open_wait_max.max(open_wait)),
        trials: table.integer("trials").unwrap_or(default.trials),
    })
}

/// How many shards there are, and how many of them one key has, unless the file says otherwise.
const SHARDS: u32 = 64;
const PER_KEY: u32 = 4;

/// The bulkhead of a route, if it has one.
pub(super) fn bulkhead(route: View<'_, '_>) -> Option<Bulkhead> {
    route.value("bulkhead")?;
    let table = route.table("bulkhead");
    let header = table.table("key").text("header").map(str::to_lowercase);
    Some(Bulkhead {
        key: header.map_or(BulkheadKey::Client, BulkheadKey::Header),
        concurrency: table.integer("concurrency").unwrap_or(1),
        shards: table.integer("shards").unwrap_or(SHARDS),
        per_key: table.integer("per_key").unwrap_or(PER_KEY),
    })
}
