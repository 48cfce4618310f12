//! One connection to an endpoint.

use std::io;
use std::net::SocketAddr;

use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::exchange::AttemptBody;

/// Bytes of an answer's head at most.
const HEAD_MAX: usize = 64 << 10;

/// A connection and the task that drives it. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) sender: SendRequest<AttemptBody>,
    pub(crate) reused: bool,
    pub(crate) idle_since: Instant,
    driver: AbortHandle,
}

impl Connection {
    /// Connects to `address`.
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = Builder::new()
            .max_header_size(HEAD_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let driver = tokio::task::spawn_local(async move {
            // How it ended is told to the request under way; there is nobody else to tell.
            drop(connection.with_upgrades().await);
        });
        Ok(Self {
            sender,
            reused: false,
            idle_since: Instant::now(),
            driver: driver.abort_handle(),
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
