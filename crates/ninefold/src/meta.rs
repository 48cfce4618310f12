//! What a policy may know of a request of any type.

use ninefold_core::policy::RequestMeta;

/// Reads what policies may know from a request: its criticality, its deadline, whose it is.
///
/// Closures are such readers too. Without one, all requests are [`Ordinary`].
pub trait MetaOf<Request> {
    /// What is known of `request`.
    fn of(&self, request: &Request) -> RequestMeta;
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
