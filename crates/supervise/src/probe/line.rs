//! The connection of a probe.

use std::io;

use ninefold_core::address::Address;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// What carries bytes both ways.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// To a port, or to a Unix socket; or TLS over one of them.
pub(super) type Line = Box<dyn Duplex>;

pub(super) async fn connect(address: &Address) -> io::Result<Line> {
    Ok(match address {
        Address::Tcp(address) => Box::new(TcpStream::connect(address).await?),
        Address::Unix(path) => Box::new(UnixStream::connect(&**path).await?),
    })
}
