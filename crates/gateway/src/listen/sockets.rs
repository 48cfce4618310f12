//! The open listening sockets of a gateway, as they go from one to the next.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use ninefold_core::address::Address;

use super::bind::Bound;
use super::socket_file::SocketFile;

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
    pub declared: Address,
    /// The address as bound.
    pub bound: Address,
    /// One or more.
    pub sockets: Vec<OwnedFd>,
    file: Option<Arc<SocketFile>>,
    /// Who may connect by that, as soon as its gateway accepts; nothing where no file says it.
    mode: Option<u32>,
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
            let sockets = bound.sockets.iter().map(OwnedFd::try_clone);
            Ok(ListenerSockets {
                declared: bound.declared.clone(),
                bound: bound.address.clone(),
                sockets: sockets.collect::<io::Result<_>>()?,
                file: bound.file.clone(),
                mode: Some(bound.mode),
            })
        };
        Ok(Self {
            listeners: bound.iter().map(listener).collect::<io::Result<_>>()?,
        })
    }

    /// The files of Unix sockets are this process's to remove at the end, or no longer.
    pub(crate) fn own_files(&self, owned: bool) {
        let files = self.listeners.iter();
        for file in files.filter_map(|listener| listener.file.as_ref()) {
            file.own(owned);
        }
    }

    /// Who may connect to Unix sockets is from here on what the file says, which may be another one than
    /// the one before.
    pub(crate) fn apply_modes(&self) {
        for listener in &self.listeners {
            if let (Some(file), Some(mode)) = (&listener.file, listener.mode)
                && let Err(error) = file.set_mode(mode)
            {
                tracing::error!(%error, address = %listener.bound, "its mode stays as it was");
            }
        }
    }

    /// Takes those of a listener that the file declares so, or that is bound there.
    pub(super) fn take(&mut self, declared: &Address) -> Option<ListenerSockets> {
        let mut listeners = self.listeners.iter();
        let index = listeners
            .position(|listener| listener.declared == *declared)
            .or_else(|| {
                let mut listeners = self.listeners.iter();
                listeners.position(|listener| listener.bound == *declared)
            })?;
        Some(self.listeners.remove(index))
    }
}

impl ListenerSockets {
    /// Those that another process handed over. The file of a Unix socket is still that process's to
    /// remove.
    #[must_use]
    pub fn handed_over(declared: Address, bound: Address, sockets: Vec<OwnedFd>) -> Self {
        let file = bound.unix().and_then(SocketFile::of_another);
        Self {
            declared,
            bound,
            sockets,
            file: file.map(Arc::new),
            mode: None,
        }
    }

    pub(super) fn file(&self) -> Option<&Arc<SocketFile>> {
        self.file.as_ref()
    }

    fn try_clone(&self) -> io::Result<Self> {
        let sockets = self.sockets.iter().map(OwnedFd::try_clone);
        Ok(Self {
            declared: self.declared.clone(),
            bound: self.bound.clone(),
            sockets: sockets.collect::<io::Result<_>>()?,
            file: self.file.clone(),
            mode: self.mode,
        })
    }
}
