//! One keep-alive client for one address.

use std::net::SocketAddr;
use std::sync::Mutex;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Idle connections that are kept.
const IDLE_MAX: usize = 512;

type Sender = SendRequest<Full<Bytes>>;

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// Nothing of one that is too large.
    pub(crate) body: Option<Vec<u8>>,
}

/// HTTP/1.1 with keep-alive; the connection used last is used first.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    idle: Mutex<Vec<Sender>>,
}

impl Client {
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self {
            address,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Sends a request and reads its answer to the end; the status, or why there is none. `sent`
    /// becomes true when a byte of it may have left, and is never true for what was not sent.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        sent: &mut bool,
    ) -> Result<u16, String> {
        let answer = self.fetch(request, sent, 0).await?;
        Ok(answer.status)
    }

    /// As [`Client::send`], with the answer's body if it is of at most so many bytes.
    pub(crate) async fn fetch(
        &self,
        mut request: Request<Full<Bytes>>,
        sent: &mut bool,
        body_max: usize,
    ) -> Result<Answer, String> {
        // A kept connection may have been closed by its server: then nothing was sent, and the
        // request is moved on, at last to a connection of its own.
        while let Some(mut sender) = self.take_idle() {
            if sender.ready().await.is_err() {
                continue;
            }
            *sent = true;
            match sender.try_send_request(request).await {
                Ok(response) => return self.receive(response, sender, body_max).await,
                Err(mut error) => match error.take_message() {
                    Some(message) => {
                        *sent = false;
                        request = message;
                    }
                    None => return Err(error.into_error().to_string()),
                },
            }
        }
        let mut sender = self.connect().await?;
        *sent = true;
        match sender.try_send_request(request).await {
            Ok(response) => self.receive(response, sender, body_max).await,
            Err(error) => {
                *sent = error.message().is_none();
                Err(error.into_error().to_string())
            }
        }
    }

    async fn connect(&self) -> Result<Sender, String> {
        let stream = TcpStream::connect(self.address)
            .await
            .map_err(|error| format!("connect to {}: {error}", self.address))?;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::trace!(%error, "no TCP_NODELAY");
        }
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::trace!(%error, "connection of the load ended");
            }
        });
        sender.ready().await.map_err(|error| error.to_string())?;
        Ok(sender)
    }

    async fn receive(
        &self,
        response: http::Response<hyper::body::Incoming>,
        sender: Sender,
        body_max: usize,
    ) -> Result<Answer, String> {
        let status = response.status().as_u16();
        let (parts, mut body) = response.into_parts();
        let mut kept = Some(Vec::new());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| format!("answer {status} cut: {error}"))?;
            let data = frame.data_ref();
            kept = kept.filter(|kept| kept.len() + data.map_or(0, Bytes::len) <= body_max);
            if let (Some(kept), Some(data)) = (&mut kept, data) {
                kept.extend_from_slice(data);
            }
        }
        if !sender.is_closed()
            && let Ok(mut idle) = self.idle.lock()
            && idle.len() < IDLE_MAX
        {
            idle.push(sender);
        }
        Ok(Answer {
            status,
            headers: parts.headers,
            body: kept,
        })
    }

    fn take_idle(&self) -> Option<Sender> {
        self.idle.lock().ok()?.pop()
    }
}
