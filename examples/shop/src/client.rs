//! A small HTTP/1.1 client for one address, with kept connections.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Idle connections kept at most; more are closed after use.
const IDLE_MAX: usize = 32;
/// The largest answer that is read.
const ANSWER_SIZE_MAX: usize = 256 * 1024;

/// Calls one address.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    host: HeaderValue,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No connection could be made.
    #[error("cannot connect to {0}: {1}")]
    Connect(SocketAddr, std::io::Error),
    /// The connection broke.
    #[error("the connection to {0} broke: {1}")]
    Broken(SocketAddr, hyper::Error),
    /// The answer's body broke off or is too large.
    #[error("the answer of {0} cannot be read: {1}")]
    Body(SocketAddr, Box<dyn std::error::Error + Send + Sync>),
    /// No answer in time.
    #[error("no answer of {0} within {1:?}")]
    Late(SocketAddr, Duration),
    /// The path or a header is malformed.
    #[error("malformed request: {0}")]
    Malformed(#[from] http::Error),
}

impl Client {
    /// A client for this address. Connections are made when they are needed.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self::named(address, &address.to_string())
    }

    /// The same for a service that is known there by this name.
    #[must_use]
    pub fn named(address: SocketAddr, name: &str) -> Self {
        let host = HeaderValue::try_from(name);
        Self {
            address,
            host: host.unwrap_or(HeaderValue::from_static("localhost")),
            idle: Mutex::default(),
        }
    }

    /// One call that may take so long; the answer is read whole.
    ///
    /// # Errors
    ///
    /// See [`CallError`]; a status of 400 or more is an answer, not an error.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &HeaderMap,
        body: Bytes,
        timeout: Duration,
    ) -> Result<Response<Bytes>, CallError> {
        tokio::time::timeout(timeout, self.send(method, path, headers, body))
            .await
            .unwrap_or(Err(CallError::Late(self.address, timeout)))
    }

    /// One call that may take as long as somebody waits for it.
    ///
    /// A GET whose kept connection turns out to be closed is sent once more on a fresh one: it may
    /// be repeated, and the peer may close an idle connection at any time.
    ///
    /// # Errors
    ///
    /// See [`CallError`]; a status of 400 or more is an answer, not an error.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Response<Bytes>, CallError> {
        let repeatable = method == Method::GET;
        let mut request = Request::builder()
            .method(method)
            .uri(path.parse::<Uri>().map_err(http::Error::from)?)
            .body(Full::new(body))?;
        *request.headers_mut() = headers.clone();
        request.headers_mut().insert(HOST, self.host.clone());
        match self.kept().await {
            Some(kept) if repeatable => match self.exchange(kept, request.clone()).await {
                Err(CallError::Broken(..)) => self.exchange(self.connect().await?, request).await,
                other => other,
            },
            Some(kept) => self.exchange(kept, request).await,
            None => self.exchange(self.connect().await?, request).await,
        }
    }

    /// The connection used last that is still open; the others stay until they are older.
    async fn kept(&self) -> Option<SendRequest<Full<Bytes>>> {
        loop {
            let mut kept = self.lock().pop()?;
            if !kept.is_closed() && kept.ready().await.is_ok() {
                return Some(kept);
            }
        }
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, CallError> {
        let failed = |why| CallError::Connect(self.address, why);
        let stream = TcpStream::connect(self.address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|why| CallError::Broken(self.address, why))?;
        // It ends when the sender is dropped or the peer closes; the error reaches the sender.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn exchange(
        &self,
        mut connection: SendRequest<Full<Bytes>>,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, CallError> {
        let answer = connection
            .send_request(request)
            .await
            .map_err(|why| CallError::Broken(self.address, why))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_SIZE_MAX)
            .collect()
            .await
            .map_err(|why| CallError::Body(self.address, why))?;
        let mut idle = self.lock();
        if idle.len() < IDLE_MAX && !connection.is_closed() {
            idle.push(connection);
        }
        drop(idle);
        Ok(Response::from_parts(head, body.to_bytes()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<SendRequest<Full<Bytes>>>> {
        // The list is whole after every step, so a panic elsewhere spoils nothing.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
