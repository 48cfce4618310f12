//! What the two processes say, and how descriptors go along.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use ninefold_core::address::Address;
use ninefold_gateway::{Counters, ListenerSockets, Memory, Sockets};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;

/// Who speaks another protocol is refused.
pub(crate) const PROTOCOL: u32 = 1;

/// One message at most. Counters of many routes are the largest.
const MESSAGE_MAX: usize = 64 << 20;

/// What a gateway knows, in a message.
const MEMORY_MAX: usize = 16 << 20;

/// Descriptors that go with one byte; the system takes 253.
const DESCRIPTORS_MAX: usize = 64;

/// Descriptors in all that one process takes from another.
const DESCRIPTORS_ALL_MAX: usize = 65_536;

/// One message.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub(crate) enum Said {
    /// The new one begins.
    Hello {
        protocol: u32,
        pid: u32,
        version: String,
    },
    /// The sockets follow, listener by listener, and that of the admin API at last, if there is one.
    Sockets {
        pid: u32,
        version: String,
        listeners: Vec<Listener>,
        admin: bool,
    },
    /// The new gateway holds.
    Prepared,
    /// The folder is the new one's; so much was booked, and so much is known. The latter in case that
    /// nothing more is heard.
    Yours {
        counted: Counters,
        #[serde(default)]
        memory: Memory,
    },
    /// Everything stands, and nothing is accepted yet.
    Standing,
    /// Accept, and go on from what is known by now. Older ones say nothing of it.
    Go {
        #[serde(default)]
        memory: Memory,
    },
    /// Connections are accepted.
    Opened,
    /// What the one before has counted so far.
    Counted { so_far: Counters },
    /// It goes no further, and why. The one before goes on.
    Failed { why: String },
}

/// The sockets of one listener.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listener {
    declared: Address,
    bound: Address,
    sockets: usize,
}

/// A connection between the two.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: UnixStream,
}

impl Wire {
    pub(crate) const fn new(stream: UnixStream) -> Self {
        Self { stream }
    }

    pub(crate) async fn say(&mut self, said: &Said) -> io::Result<()> {
        let text = serde_json::to_vec(said)?;
        let length = u32::try_from(text.len())
            .ok()
            .filter(|_| text.len() <= MESSAGE_MAX)
            .ok_or(io::ErrorKind::FileTooLarge)?;
        self.stream.write_all(&length.to_be_bytes()).await?;
        self.stream.write_all(&text).await
    }

    pub(crate) async fn hear(&mut self) -> io::Result<Said> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).await?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > MESSAGE_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut text = vec![0; length];
        self.stream.read_exact(&mut text).await?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Sends all sockets.
    pub(crate) async fn give(
        &mut self,
        sockets: &Sockets,
        admin: Option<&TcpListener>,
    ) -> io::Result<()> {
        let listeners = sockets.listeners.iter().map(|listener| Listener {
            declared: listener.declared.clone(),
            bound: listener.bound.clone(),
            sockets: listener.sockets.len(),
        });
        self.say(&Said::Sockets {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            listeners: listeners.collect(),
            admin: admin.is_some(),
        })
        .await?;
        let all = sockets.listeners.iter().flat_map(|one| &one.sockets);
        let all = all.map(AsFd::as_fd).chain(admin.map(AsFd::as_fd));
        let all: Vec<BorrowedFd<'_>> = all.collect();
        for some in all.chunks(DESCRIPTORS_MAX) {
            self.stream
                .async_io(Interest::WRITABLE, || send(&self.stream, some))
                .await?;
        }
        Ok(())
    }

    /// Receives what [`Self::give`] announced with `listeners`.
    pub(crate) async fn get(
        &mut self,
        listeners: Vec<Listener>,
        admin: bool,
    ) -> io::Result<(Sockets, Option<TcpListener>)> {
        let announced = listeners
            .iter()
            .map(|listener| listener.sockets)
            .sum::<usize>();
        if announced > DESCRIPTORS_ALL_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut got: Vec<OwnedFd> = Vec::new();
        while got.len() < announced + usize::from(admin) {
            let some = self
                .stream
                .async_io(Interest::READABLE, || receive(&self.stream))
                .await?;
            if some.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            got.extend(some);
        }
        let mut got = got.into_iter();
        let of = |listener: Listener, got: &mut dyn Iterator<Item = OwnedFd>| {
            let sockets = got.take(listener.sockets).collect();
            ListenerSockets::handed_over(listener.declared, listener.bound, sockets)
        };
        let listeners = listeners.into_iter();
        let sockets = Sockets {
            listeners: listeners.map(|listener| of(listener, &mut got)).collect(),
        };
        Ok((sockets, got.next().map(TcpListener::from)))
    }
}

/// A memory that fits into a message beside all else; nothing for one that does not, since it is no
/// reason not to go.
pub(crate) fn portable(memory: Memory) -> Memory {
    match serde_json::to_vec(&memory) {
        Ok(text) if text.len() <= MEMORY_MAX => memory,
        Ok(text) => {
            tracing::warn!(
                "what the gateway knows is not handed over: {} bytes",
                text.len()
            );
            Memory::default()
        }
        Err(error) => {
            tracing::warn!(%error, "what the gateway knows is not handed over");
            Memory::default()
        }
    }
}

/// Descriptors travel with at least one byte of data.
fn send(stream: &UnixStream, some: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(some)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    sendmsg(
        stream,
        &[IoSlice::new(b"+")],
        &mut control,
        SendFlags::NOSIGNAL,
    )?;
    Ok(())
}

fn receive(stream: &UnixStream) -> io::Result<Vec<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut pieces = [IoSliceMut::new(&mut byte)];
    recvmsg(stream, &mut pieces, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut got = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            got.extend(descriptors);
        }
    }
    Ok(got)
}
