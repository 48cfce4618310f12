//! The open listening sockets of a gateway, as they go from one to the next.

use std::io;
use std::net::{SocketAddr, TcpListener};

use super::bind::Bound;

/// Sockets that listen. Whoever gets them shares their queues: as long as one owner is left, no
/// connection that waits there is lost.
#[derive(Debug, Default)]
pub struct Sockets {
    /// By listener, in the order of the file.
    pub listeners: Vec<ListenerSockets>,
}

/// The sockets of one listener.
#[derive(Debug)]
pub struct ListenerSockets {
    /// The address as the file has it, maybe with port 0.
    pub declared: SocketAddr,
    /// The address as bound.
    pub bound: SocketAddr,
    /// One or more.
    pub sockets: Vec<TcpListener>,
}

impl Sockets {
    /// Another handle on each of the sockets.
    ///
    /// # Errors
    ///
    /// If the process may have no more descriptors.
    pub fn try_clone(&self) -> io::Result<Self> {
        let listeners = self.listeners.iter().map(ListenerSockets::try_clone);
        Ok(Self {
            listeners: listeners.collect::<io::Result<_>>()?,
        })
    }

    pub(crate) fn of(bound: &[Bound]) -> io::Result<Self> {
        let listener = |bound: &Bound| {
            let sockets = bound.sockets.iter().map(TcpListener::try_clone);
            Ok(ListenerSockets {
                declared: bound.declared,
                bound: bound.address,
                sockets: sockets.collect::<io::Result<_>>()?,
            })
        };
        Ok(Self {
            listeners: bound.iter().map(listener).collect::<io::Result<_>>()?,
        })
    }

    /// Takes those of a listener that the file declares so, or that is bound there.
    pub(super) fn take(&mut self, declared: SocketAddr) -> Option<ListenerSockets> {
        let mut listeners = self.listeners.iter();
        let index = listeners
            .position(|listener| listener.declared == declared)
            .or_else(|| {
                let mut listeners = self.listeners.iter();
                listeners.position(|listener| listener.bound == declared)
            })?;
        Some(self.listeners.remove(index))
    }
}

impl ListenerSockets {
    fn try_clone(&self) -> io::Result<Self> {
        let sockets = self.sockets.iter().map(TcpListener::try_clone);
        Ok(Self {
            declared: self.declared,
            bound: self.bound,
            sockets: sockets.collect::<io::Result<_>>()?,
        })
    }
}
