//! Sockets: one per thread on the same address.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};

use super::Sockets;

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
        address: SocketAddr,
    },
    /// The system refused, as for a port below 1024 without the privilege.
    #[error("{address} cannot be listened on: {error}")]
    Refused {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        error: io::Error,
    },
}

/// One address with its sockets, mostly one for each thread.
#[derive(Debug)]
pub(crate) struct Bound {
    /// As the file has it.
    pub(crate) declared: SocketAddr,
    pub(crate) address: SocketAddr,
    pub(crate) sockets: Vec<TcpListener>,
}

/// Binds `threads` sockets to `address`; the kernel spreads connections over them.
///
/// With SO_REUSEPORT another process of the same user would share the port without a word. So it
/// is first bound without, which fails if anybody listens there. That socket never listens: closing
/// it would reset whoever had just connected.
pub(crate) fn bind(address: SocketAddr, threads: usize) -> Result<Bound, BindError> {
    let fail = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { address },
        _ => BindError::Refused { address, error },
    };
    if address.port() != 0 {
        drop(socket(address, false).map_err(fail)?);
    }
    let first = listen(address).map_err(fail)?;
    let bound = first.local_addr().map_err(fail)?;
    let mut sockets = vec![first];
    while sockets.len() < threads {
        sockets.push(listen(bound).map_err(fail)?);
    }
    Ok(Bound {
        declared: address,
        address: bound,
        sockets,
    })
}

/// The same for a successor: sockets that it inherits, which go on as they are, and such that do
/// not listen before [`begin_to_listen`], so that no connection waits where nobody accepts yet.
pub(crate) fn inherit(
    declared: SocketAddr,
    threads: usize,
    heritage: &mut Sockets,
) -> Result<Bound, BindError> {
    let fail = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { address: declared },
        _ => BindError::Refused {
            address: declared,
            error,
        },
    };
    let (address, mut sockets) = match heritage.take(declared) {
        Some(inherited) => (inherited.bound, inherited.sockets),
        None => {
            if declared.port() != 0 {
                drop(socket(declared, false).map_err(fail)?);
            }
            let first: TcpListener = socket(declared, true).map_err(fail)?.into();
            (first.local_addr().map_err(fail)?, vec![first])
        }
    };
    while sockets.len() < threads {
        sockets.push(socket(address, true).map_err(fail)?.into());
    }
    Ok(Bound {
        declared,
        address,
        sockets,
    })
}

/// Lets a socket listen. One that does already is not changed.
pub(crate) fn begin_to_listen(socket: &TcpListener) -> io::Result<()> {
    SockRef::from(socket).listen(BACKLOG)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address, true)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
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

    #[test]
    fn a_port_in_use_is_an_error_even_between_sharing_sockets() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let bound = bind(any, 3).unwrap();
        assert_eq!(bound.sockets.len(), 3);
        let again = bind(bound.address, 1).unwrap_err();
        assert!(matches!(again, BindError::InUse { .. }), "{again}");
        drop(bound.sockets);
        assert!(bind(bound.address, 1).is_ok());
    }
}
