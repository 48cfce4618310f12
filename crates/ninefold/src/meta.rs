//! What a policy may know of a request of any type.
//!
//! Some policies treat requests differently: a [`Deadline`](crate::Deadline) by how long the caller
//! waits, a [`LoadShedder`](crate::LoadShedder) by criticality, a [`RateLimiter`](crate::RateLimiter)
//! by cost. All of that stands in a [`RequestMeta`]. `call_with` and `permit` take it; a layer reads it
//! from each request by a [`MetaOf`], such as `http::FromHeaders` or a closure:
//!
//! ```
//! use ninefold::meta::MetaOf;
//! use ninefold::{Criticality, RequestMeta};
//!
//! struct Job { prefetch: bool, rows: u32 }
//! let meta = |job: &Job| RequestMeta {
//!     criticality: if job.prefetch { Criticality::Sheddable } else { Criticality::Critical },
//!     cost: job.rows / 1_000 + 1,
//!     ..RequestMeta::default()
//! };
//! assert_eq!(meta.of(&Job { prefetch: true, rows: 5_000 }).cost, 6);
//! ```
//!
//! Two policies change what is known for those within them: a [`Deadline`](crate::Deadline) gives
//! each request the deadline that holds, and a retry or a hedge counts its attempts. A pipeline's own
//! `call_with` hands that on by itself. Layers hand it on within the request, by [`MetaOf::put`]:
//! `http::FromHeaders` does, a closure cannot. Where requests have a place for it, implement both.

use ninefold_core::policy::RequestMeta;

/// Reads what policies may know from a request: its criticality, its deadline, whose it is.
///
/// Closures are such readers too. Without one, all requests are [`Ordinary`].
pub trait MetaOf<Request> {
    /// What is known of `request`.
    fn of(&self, request: &Request) -> RequestMeta;

    /// Leaves in `request` what [`MetaOf::of`] should read from now on, where requests have a place
    /// for it. By default they have none.
    #[inline]
    fn put(&self, _request: &mut Request, _meta: RequestMeta) {}
}

/// Every request is an ordinary one: [`RequestMeta::default`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ordinary;

impl<Request> MetaOf<Request> for Ordinary {
    #[inline]
    fn of(&self, _request: &Request) -> RequestMeta {
        RequestMeta::default()
    }
}

impl<Request, F: Fn(&Request) -> RequestMeta> MetaOf<Request> for F {
    #[inline]
    fn of(&self, request: &Request) -> RequestMeta {
        self(request)
    }
}
