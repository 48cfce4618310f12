//! A listening socket of one thread.

use std::io;
use std::net::TcpListener as StdTcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener as StdUnixListener;

use ninefold_core::address::Address;
use tokio::net::{TcpListener, UnixListener};

use crate::peer::Peer;
use crate::socket::Socket;

/// It is that of a port, or a Unix socket.
#[derive(Debug)]
pub(crate) enum Acceptor {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Acceptor {
    /// One that listens at `address`.
    pub(crate) fn new(socket: OwnedFd, address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(_) => TcpListener::from_std(socket.into()).map(Self::Tcp),
            Address::Unix(_) => UnixListener::from_std(socket.into()).map(Self::Unix),
        }
    }

    /// Waits for a connection.
    pub(super) async fn accept(&self) -> io::Result<(Socket, Peer)> {
        match self {
            Self::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                Ok((Socket::Tcp(stream), Peer::Ip(peer)))
            }
            Self::Unix(socket) => {
                let (stream, _) = socket.accept().await?;
                Ok((Socket::Unix(stream), Peer::Unix))
            }
        }
    }

    /// What waits already, until nothing does.
    pub(super) fn waiting(self) -> Box<dyn Iterator<Item = (io::Result<Socket>, Peer)>> {
        match self {
            Self::Tcp(socket) => {
                let socket: Option<StdTcpListener> = socket.into_std().ok();
                Box::new(std::iter::from_fn(move || {
                    let (stream, peer) = socket.as_ref()?.accept().ok()?;
                    Some((Socket::of_tcp(stream), Peer::Ip(peer)))
                }))
            }
            Self::Unix(socket) => {
                let socket: Option<StdUnixListener> = socket.into_std().ok();
                Box::new(std::iter::from_fn(move || {
                    let (stream, _) = socket.as_ref()?.accept().ok()?;
                    Some((Socket::of_unix(stream), Peer::Unix))
                }))
            }
        }
    }
}
