//! What a request carries for policies.

use http::{HeaderMap, Request};
use ninefold_core::policy::deadline::{
    GRPC_TIMEOUT_HEADER, GrpcTimeout, TIME_LEFT_HEADER, TimeLeft,
};
use ninefold_core::policy::{Criticality, Now, RequestMeta};

use crate::meta::MetaOf;

/// The header that says how much it hurts to refuse a request: `sheddable`, `sheddable-plus`,
/// `critical` or `critical-plus`.
pub const CRITICALITY_HEADER: &str = "x-criticality";

/// What policies may know of a request: a [`RequestMeta`] among its extensions if there is one,
/// otherwise what its headers say, `x-deadline-ms` or `grpc-timeout`, and `x-criticality`.
///
/// Whoever sends a header is believed. At the border of what you trust, remove them, or put a
/// [`RequestMeta`] into the extensions.
#[derive(Clone, Copy, Debug, Default)]
pub struct FromHeaders<C> {
    clock: C,
}

impl<C: Now> FromHeaders<C> {
    /// On the clock of the policies that look at it.
    pub const fn new(clock: C) -> Self {
        Self { clock }
    }
}

impl<B, C: Now> MetaOf<Request<B>> for FromHeaders<C> {
    fn of(&self, request: &Request<B>) -> RequestMeta {
        if let Some(meta) = request.extensions().get::<RequestMeta>() {
            return *meta;
        }
        let headers = request.headers();
        let left = text(headers, TIME_LEFT_HEADER)
            .and_then(|text| text.parse().ok())
            .map(|TimeLeft(left)| left)
            .or_else(|| {
                let text = text(headers, GRPC_TIMEOUT_HEADER)?;
                text.parse().ok().map(|GrpcTimeout(left)| left)
            });
        let criticality = text(headers, CRITICALITY_HEADER).and_then(|text| {
            let levels = Criticality::ALL.into_iter();
            levels.into_iter().find(|level| level.as_str() == text)
        });
        RequestMeta {
            deadline: left.map(|left| self.clock.now() + left),
            criticality: criticality.unwrap_or_default(),
            ..RequestMeta::default()
        }
    }

    /// Among its extensions.
    fn put(&self, request: &mut Request<B>, meta: RequestMeta) {
        request.extensions_mut().insert(meta);
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
