//! HTTP/1.1 with connections that are kept.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Mutex;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::problem::{Problem, While};

type Sender = SendRequest<Full<Bytes>>;

/// Which idle connection is used next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// The one that was used last.
    Newest,
    /// The one that has waited for longest.
    Oldest,
    /// None.
    Never,
}

/// A client of one address.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    reuse: Reuse,
    idle: Mutex<VecDeque<Sender>>,
}

impl Client {
    pub(crate) const fn new(address: SocketAddr, reuse: Reuse) -> Self {
        Self {
            address,
            reuse,
            idle: Mutex::new(VecDeque::new()),
        }
    }

    /// Sends a request and reads its answer to the end; its status.
    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<u16, Problem> {
        // A kept connection may have been closed meanwhile. What was certainly not sent moves on,
        // at last to a connection of its own.
        while let Some(mut sender) = self.take() {
            if sender.ready().await.is_err() {
                continue;
            }
            match sender.try_send_request(request).await {
                Ok(response) => return self.receive(response, sender).await,
                Err(mut error) => match error.take_message() {
                    Some(message) => request = message,
                    None => return Err(error.into_error().to_string()),
                },
            }
        }
        let mut sender = self.connect().await?;
        let response = sender.send_request(request).await.while_("send")?;
        self.receive(response, sender).await
    }

    async fn connect(&self) -> Result<Sender, Problem> {
        let stream = TcpStream::connect(self.address).await.while_("connect")?;
        stream.set_nodelay(true).while_("set TCP_NODELAY")?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.while_("begin")?;
        // Why it ended, those learn who use it.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }

    async fn receive(
        &self,
        response: Response<hyper::body::Incoming>,
        sender: Sender,
    ) -> Result<u16, Problem> {
        let status = response.status().as_u16();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame.while_("read the answer")?;
        }
        if !sender.is_closed()
            && self.reuse != Reuse::Never
            && let Ok(mut idle) = self.idle.lock()
        {
            idle.push_back(sender);
        }
        Ok(status)
    }

    fn take(&self) -> Option<Sender> {
        let mut idle = self.idle.lock().ok()?;
        match self.reuse {
            Reuse::Newest => idle.pop_back(),
            Reuse::Oldest => idle.pop_front(),
            Reuse::Never => None,
        }
    }
}
