//! Which requests may be sent again.

use http::{HeaderName, Method, Request};
use ninefold_core::policy::Repeat;

use super::ReplayBody;
use crate::retry::Replay;

/// Clients that send it promise that the server does the same thing once (draft of the IETF, "The
/// Idempotency-Key HTTP Header Field").
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A request whose method is idempotent (RFC 9110, 9.2.2), or that carries an `idempotency-key`, may
/// be repeated; others only if they certainly were not sent. The copy shares the body, which must be
/// a [`ReplayBody`]; one that grew too large to be kept makes its attempt the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByMethod;

impl<B> Replay<Request<ReplayBody<B>>> for ByMethod {
    fn repeat(&self, request: &Request<ReplayBody<B>>) -> Repeat {
        let idempotent = [
            Method::GET,
            Method::HEAD,
            Method::OPTIONS,
            Method::TRACE,
            Method::PUT,
            Method::DELETE,
        ];
        if idempotent.contains(request.method()) || request.headers().contains_key(IDEMPOTENCY_KEY)
        {
            Repeat::Always
        } else {
            Repeat::Unsent
        }
    }

    fn copy(&self, request: &Request<ReplayBody<B>>) -> Option<Request<ReplayBody<B>>> {
        let mut copy = Request::new(request.body().copy()?);
        request.method().clone_into(copy.method_mut());
        request.uri().clone_into(copy.uri_mut());
        *copy.version_mut() = request.version();
        request.headers().clone_into(copy.headers_mut());
        request.extensions().clone_into(copy.extensions_mut());
        Some(copy)
    }
}
