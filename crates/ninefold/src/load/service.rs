//! A service that says how much it has to do.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderValue, Method, Request, Response};
use tower_service::Service;

use super::{LOAD_HEADER, LoadMeter, ReportsLoadFuture};

/// A service whose requests are counted.
#[derive(Clone, Debug)]
pub struct ReportsLoad<Inner> {
    inner: Inner,
    meter: LoadMeter,
    path: Arc<str>,
}

impl<Inner> ReportsLoad<Inner> {
    pub(super) const fn new(inner: Inner, meter: LoadMeter, path: Arc<str>) -> Self {
        Self { inner, meter, path }
    }
}

impl<Inner, Body, Answer> Service<Request<Body>> for ReportsLoad<Inner>
where
    Inner: Service<Request<Body>, Response = Response<Answer>>,
    Answer: Default,
{
    type Response = Response<Answer>;
    type Error = Inner::Error;
    type Future = ReportsLoadFuture<Inner::Future, Answer>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if request.method() == Method::GET && request.uri().path() == &*self.path {
            let mut answer = Response::new(Answer::default());
            if let Ok(report) = HeaderValue::try_from(self.meter.report().to_string()) {
                answer.headers_mut().insert(LOAD_HEADER, report);
            }
            return ReportsLoadFuture::told(answer);
        }
        let under_way = self.meter.begin();
        ReportsLoadFuture::asked(self.inner.call(request), under_way)
    }
}
