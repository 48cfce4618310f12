//! Readers of the admin API's inputs, which no public function reaches without a node, for the
//! targets in `fuzz`.

use axum::extract::Query;
use http::Uri;
use ninefold_core::event::FaultNotice;

use crate::admin::{EventsQuery, names_loopback};
use crate::client::{FaultEnd, StopRequest};

/// Whether the loopback address answers to this `Host`.
#[must_use]
pub fn is_answered(host: &str) -> bool {
    names_loopback(host)
}

/// Whether a URI's query asks for a page of events.
#[must_use]
pub fn asks_for_events(uri: &Uri) -> bool {
    Query::<EventsQuery>::try_from_uri(uri).is_ok()
}

/// The id of a fault that a body announces.
#[must_use]
pub fn announces(body: &[u8]) -> Option<String> {
    let notice: FaultNotice = serde_json::from_slice(body).ok()?;
    Some(notice.id)
}

/// Whether a body asks to stop, or ends a fault.
#[must_use]
pub fn ends(body: &[u8]) -> bool {
    serde_json::from_slice::<StopRequest>(body).is_ok()
        || serde_json::from_slice::<FaultEnd>(body).is_ok()
}
