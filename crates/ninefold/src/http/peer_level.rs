//! Not sending what a server would refuse.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{HeaderValue, Request, Response};
use ninefold_core::policy::prioritizer::{LEVEL_HEADER, PeerLevel};
use ninefold_core::policy::{Admission as _, Now, Rejected};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::FromHeaders;
use crate::clock::CoarseClock;
use crate::meta::MetaOf;

/// Asks the server with every request for its admission level, and does not send what it would refuse
/// by the last one: such requests end at once, with [`Rejected`]. Ninefold's gateway tells the level,
/// and so does a server with a [`Prioritizer`](crate::Prioritizer) that writes it into
/// [`LEVEL_HEADER`]. One that does not loses nothing.
///
/// What matters is the criticality of a request, which [`FromHeaders`] finds.
#[derive(Clone, Debug)]
pub struct PeerLevelLayer<M = FromHeaders<CoarseClock>, C = CoarseClock> {
    peer: Arc<PeerLevel>,
    meta: M,
    clock: C,
}

impl PeerLevelLayer {
    /// For the server that is behind `peer`, which clones share.
    #[must_use]
    pub const fn new(peer: Arc<PeerLevel>) -> Self {
        Self::with(peer, FromHeaders::new(CoarseClock), CoarseClock)
    }
}

impl<M, C> PeerLevelLayer<M, C> {
    /// The same with another way to know what a request matters, and another clock.
    pub const fn with(peer: Arc<PeerLevel>, meta: M, clock: C) -> Self {
        Self { peer, meta, clock }
    }
}

impl<Inner, M: Clone, C: Clone> Layer<Inner> for PeerLevelLayer<M, C> {
    type Service = HonoursLevel<Inner, M, C>;

    fn layer(&self, inner: Inner) -> Self::Service {
        HonoursLevel {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service that does not send what its server would refuse. See [`PeerLevelLayer`].
#[derive(Clone, Debug)]
pub struct HonoursLevel<Inner, M = FromHeaders<CoarseClock>, C = CoarseClock> {
    inner: Inner,
    layer: PeerLevelLayer<M, C>,
}

impl<Inner, Body, Answer, M, C> Service<Request<Body>> for HonoursLevel<Inner, M, C>
where
    Inner: Service<Request<Body>, Response = Response<Answer>>,
    Inner::Error: From<Rejected>,
    M: MetaOf<Request<Body>>,
    C: Now + Clone,
{
    type Response = Response<Answer>;
    type Error = Inner::Error;
    type Future = HonoursLevelFuture<Inner::Future, C>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let PeerLevelLayer { peer, meta, clock } = &self.layer;
        let meta = meta.of(&request);
        let rejected = peer.try_acquire(&meta, clock.clone()).err();
        // What it is does not matter: that it is there asks.
        let asks = HeaderValue::from_static("all");
        request.headers_mut().insert(LEVEL_HEADER, asks);
        let sent = rejected.is_none().then(|| self.inner.call(request));
        HonoursLevelFuture {
            sent,
            peer: Arc::clone(peer),
            clock: clock.clone(),
            rejected,
        }
    }
}

pin_project! {
    /// The answer of a [`HonoursLevel`].
    #[derive(Debug)]
    pub struct HonoursLevelFuture<F, C> {
        #[pin]
        sent: Option<F>,
        peer: Arc<PeerLevel>,
        clock: C,
        rejected: Option<Rejected>,
    }
}

impl<F, C, Answer, E> Future for HonoursLevelFuture<F, C>
where
    F: Future<Output = Result<Response<Answer>, E>>,
    E: From<Rejected>,
    C: Now + Clone,
{
    type Output = Result<Response<Answer>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(rejected) = this.rejected.take() {
            return Poll::Ready(Err(rejected.into()));
        }
        let Some(sent) = this.sent.as_pin_mut() else {
            return Poll::Pending;
        };
        let answered = ready!(sent.poll(context));
        let level = answered.as_ref().ok().and_then(|answer| {
            let level = answer.headers().get(LEVEL_HEADER)?;
            level.to_str().ok()
        });
        if let Some(level) = level {
            this.peer.learn_text(level, this.clock.now());
        }
        Poll::Ready(answered)
    }
}
