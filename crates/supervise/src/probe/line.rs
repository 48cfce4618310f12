//! The connection of a probe.

use std::io;
use std::net::IpAddr;

use ninefold_core::address::Address;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream, UnixStream};

/// What carries bytes both ways.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// To a port, or to a Unix socket; or TLS over one of them.
pub(super) type Line = Box<dyn Duplex>;

pub(super) async fn connect(address: &Address) -> io::Result<Line> {
    Ok(match address {
        Address::Tcp(address) => match address.ip() {
            // From there too, so that what is asked within a node of several on one machine stays within it.
            IpAddr::V4(own) if own.is_loopback() => {
                let socket = TcpSocket::new_v4()?;
                socket.bind((own, 0).into())?;
                Box::new(socket.connect(*address).await?)
            }
            _ => Box::new(TcpStream::connect(address).await?),
        },
        Address::Unix(path) => Box::new(UnixStream::connect(&**path).await?),
    })
}
