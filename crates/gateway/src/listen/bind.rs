//! Sockets: one per thread on the same address.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use ninefold_config::model::Listener;
use ninefold_core::address::Address;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};

use super::Sockets;
use super::socket_file::{self, SocketFile};

/// Connections that may wait to be accepted, per thread.
const BACKLOG: i32 = 4_096;

/// A listener could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process listens there.
    #[error(
        "{address} is in use by another process: stop it, or give the listener another address"
    )]
    InUse {
        /// The address.
        address: Address,
    },
    /// The system refused, as for a port below 1024 without the privilege.
    #[error("{address} cannot be listened on: {error}")]
    Refused {
        /// The address.
        address: Address,
        /// What the system said.
        #[source]
        error: io::Error,
    },
}

/// One address with its sockets, mostly one for each thread.
#[derive(Debug)]
pub(crate) struct Bound {
    /// As the file has it.
    pub(crate) declared: Address,
    pub(crate) address: Address,
    pub(crate) sockets: Vec<OwnedFd>,
    /// That of a Unix socket, for as long as somebody listens on it.
    pub(crate) file: Option<Arc<SocketFile>>,
    /// Who may connect by that.
    pub(crate) mode: u32,
}

/// Binds `threads` sockets to a listener's address; the kernel spreads connections over them. Those
/// of a Unix socket are one, whose queue the threads share.
///
/// With SO_REUSEPORT another process of the same user would share the port without a word. So it
/// is first bound without, which fails if anybody listens there. That socket never listens: closing
/// it would reset whoever had just connected.
///
/// Where the system may choose the port, it is that of `before`, if that is free.
pub(crate) fn bind(
    listener: &Listener,
    threads: usize,
    before: &mut Vec<SocketAddr>,
) -> Result<Bound, BindError> {
    fresh(listener, threads, Some(BACKLOG), before).map_err(refused(listener))
}

/// The same for a successor: sockets that it inherits, which go on as they are, and such that do
/// not listen before [`begin_to_listen`], so that no connection waits where nobody accepts yet.
pub(crate) fn inherit(
    listener: &Listener,
    threads: usize,
    heritage: &mut Sockets,
) -> Result<Bound, BindError> {
    let Some(inherited) = heritage.take(&listener.address) else {
        return fresh(listener, threads, None, &mut Vec::new()).map_err(refused(listener));
    };
    let file = inherited.file().cloned();
    let mut bound = Bound {
        declared: listener.address.clone(),
        address: inherited.bound,
        sockets: inherited.sockets,
        file,
        mode: listener.mode,
    };
    spread(&mut bound, threads, None).map_err(refused(listener))?;
    Ok(bound)
}

fn refused(listener: &Listener) -> impl Fn(io::Error) -> BindError {
    let address = listener.address.clone();
    move |error| {
        let address = address.clone();
        match error.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse { address },
            _ => BindError::Refused { address, error },
        }
    }
}

fn fresh(
    listener: &Listener,
    threads: usize,
    backlog: Option<i32>,
    before: &mut Vec<SocketAddr>,
) -> io::Result<Bound> {
    let declared = listener.address.clone();
    let mut bound = match &declared {
        Address::Tcp(address) => {
            let address = match address.port() {
                0 => free_again(before, address.ip()).unwrap_or(*address),
                _ => {
                    drop(socket(*address, false)?);
                    *address
                }
            };
            let first = listen(address, backlog)?;
            let local = first.local_addr()?.as_socket();
            Bound {
                address: local.unwrap_or(address).into(),
                declared,
                sockets: vec![first.into()],
                file: None,
                mode: listener.mode,
            }
        }
        Address::Unix(path) => {
            let (first, file) = socket_file::bind(path, listener.mode, backlog)?;
            Bound {
                address: declared.clone(),
                declared,
                sockets: vec![first.into()],
                file: Some(Arc::new(file)),
                mode: listener.mode,
            }
        }
    };
    spread(&mut bound, threads, backlog)?;
    Ok(bound)
}

/// Takes the next of `before` that is of this host's address `ip`, if nobody else listens there now.
fn free_again(before: &mut Vec<SocketAddr>, ip: IpAddr) -> Option<SocketAddr> {
    let next = before.iter().position(|before| before.ip() == ip)?;
    let before = before.remove(next);
    socket(before, false).is_ok().then_some(before)
}

/// A socket for each thread.
fn spread(bound: &mut Bound, threads: usize, backlog: Option<i32>) -> io::Result<()> {
    if let Address::Unix(_) = bound.address {
        bound.sockets.truncate(threads.max(1));
    }
    while bound.sockets.len() < threads {
        bound
            .sockets
            .push(match (&bound.address, bound.sockets.first()) {
                (Address::Tcp(address), _) => listen(*address, backlog)?.into(),
                (Address::Unix(_), Some(first)) => first.try_clone()?,
                (Address::Unix(_), None) => return Err(io::ErrorKind::NotFound.into()),
            });
    }
    Ok(())
}

/// Lets a socket listen. One that does already is not changed.
pub(crate) fn begin_to_listen(socket: &OwnedFd) -> io::Result<()> {
    SockRef::from(socket).listen(BACKLOG)
}

fn listen(address: SocketAddr, backlog: Option<i32>) -> io::Result<Socket> {
    let socket = socket(address, true)?;
    if let Some(backlog) = backlog {
        socket.listen(backlog)?;
    }
    Ok(socket)
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    // Accepted connections inherit both from the listener, which saves two calls for each.
    socket.set_tcp_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(std::time::Duration::from_secs(60));
    socket.set_tcp_keepalive(&keepalive)?;
    socket.bind(&SockAddr::from(address))?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(address: SocketAddr, threads: usize) -> io::Result<Bound> {
        bind_at(address.into(), threads)
    }

    fn bind_at(address: Address, threads: usize) -> io::Result<Bound> {
        let listener = Listener::at(address);
        fresh(&listener, threads, Some(BACKLOG), &mut Vec::new())
    }

    #[test]
    fn a_port_in_use_is_an_error_even_between_sharing_sockets() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let bound = bind(any, 3).unwrap();
        assert_eq!(bound.sockets.len(), 3);
        let address = bound.address.tcp().unwrap();
        let again = bind(address, 1).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AddrInUse);
        drop(bound.sockets);
        assert!(bind(address, 1).is_ok());
    }
}
