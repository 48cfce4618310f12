//! hyper as a service: one connection for each request, which dropping the call closes.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use ninefold::Error;
use ninefold::http::ReplayBody;
use tokio::net::TcpStream;
use tower_service::Service;

pub(crate) type Body = ReplayBody<Full<Bytes>>;

/// What can go wrong on the way.
#[derive(Debug)]
pub(crate) enum Broken {
    Connect(std::io::Error),
    Http(hyper::Error),
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "no connection: {error}"),
            Self::Http(error) => write!(f, "no answer: {error}"),
        }
    }
}

/// Requests to one address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Http {
    address: SocketAddr,
}

impl Http {
    pub(crate) const fn to(address: SocketAddr) -> Self {
        Self { address }
    }
}

impl Service<Request<Body>> for Http {
    type Response = Response<Bytes>;
    type Error = Broken;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, Broken>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(send(self.address, request))
    }
}

async fn send(address: SocketAddr, request: Request<Body>) -> Result<Response<Bytes>, Broken> {
    let stream = TcpStream::connect(address).await.map_err(Broken::Connect)?;
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(Broken::Http)?;
    let exchange = async {
        let answer = sender.send_request(request).await?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    };
    // The connection is polled here and not in a task, so that it ends with the call.
    tokio::select! {
        biased;
        answer = exchange => answer.map_err(Broken::Http),
        Err(error) = connection => Err(Broken::Http(error)),
    }
}

/// A client that can be asked, whatever stands around it.
pub(crate) trait Ask {
    async fn ask(&mut self, path: &str) -> Result<Response<Bytes>, Error<Broken>>;
}

impl<S> Ask for S
where
    S: Service<Request<Body>, Response = Response<Bytes>, Error = Error<Broken>>,
{
    async fn ask(&mut self, path: &str) -> Result<Response<Bytes>, Error<Broken>> {
        let mut request = Request::new(Body::empty());
        if let Ok(uri) = path.parse() {
            *request.uri_mut() = uri;
        }
        poll_fn(|context| self.poll_ready(context)).await?;
        self.call(request).await
    }
}
