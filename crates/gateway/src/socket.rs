//! The byte stream of a connection, on either side: of a port, or of a Unix socket.

use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ninefold_core::address::Address;
use rustix::net::{RecvFlags, SendFlags};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpSocket, TcpStream, UnixStream};

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Connects to an endpoint; to one on loopback from `source`, if there is one.
    pub(crate) async fn connect(address: &Address, source: Option<Ipv4Addr>) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => match source.filter(|_| address.ip().is_loopback()) {
                Some(source) if address.is_ipv4() => {
                    let socket = TcpSocket::new_v4()?;
                    socket.bind((source, 0).into())?;
                    socket.connect(*address).await.map(Self::Tcp)
                }
                _ => TcpStream::connect(address).await.map(Self::Tcp),
            },
            Address::Unix(path) => UnixStream::connect(&**path).await.map(Self::Unix),
        }
    }

    /// Takes over an accepted connection.
    pub(crate) fn of_unix(stream: std::os::unix::net::UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        UnixStream::from_std(stream).map(Self::Unix)
    }

    /// Takes over an accepted connection.
    pub(crate) fn of_tcp(stream: std::net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        TcpStream::from_std(stream).map(Self::Tcp)
    }

    /// Which of this host's addresses it is connected to; none for a Unix socket.
    pub(crate) fn local_address(&self) -> io::Result<Option<SocketAddr>> {
        match self {
            Self::Tcp(stream) => stream.local_addr().map(Some),
            Self::Unix(_) => Ok(None),
        }
    }

    /// Looks at what came, and leaves it there.
    pub(crate) async fn peek(&self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.peek(room).await,
            Self::Unix(stream) => {
                let mut look = || {
                    let (size, _) = rustix::net::recv(stream, &mut *room, RecvFlags::PEEK)?;
                    Ok(size)
                };
                stream.async_io(Interest::READABLE, &mut look).await
            }
        }
    }

    /// Sends small pieces at once, where that has to be said.
    pub(crate) fn set_nodelay(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nodelay(true),
            Self::Unix(_) => Ok(()),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) if is_initialized(buf) => poll_recv(stream, cx, buf),
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => poll_send(stream, cx, data),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, data),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// Whether all of a buffer's room was written once, so that a system call may be given it as it is.
fn is_initialized(buf: &ReadBuf<'_>) -> bool {
    buf.initialized().len() == buf.capacity() && buf.remaining() > 0
}

/// Receives once.
fn poll_recv(
    stream: &TcpStream,
    cx: &mut Context<'_>,
    buf: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    loop {
        ready!(stream.poll_read_ready(cx))?;
        let room = buf.initialize_unfilled();
        let size = room.len();
        let receive = || {
            let (_, received) = rustix::net::recv(stream, room, RecvFlags::empty())?;
            Ok(received)
        };
        if let Some(received) = once(stream, Interest::READABLE, size, receive) {
            buf.advance(received?);
            return Poll::Ready(Ok(()));
        }
    }
}

/// Sends what the socket takes at once.
fn poll_send(stream: &TcpStream, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
    loop {
        ready!(stream.poll_write_ready(cx))?;
        let send = || Ok(rustix::net::send(stream, data, SendFlags::NOSIGNAL)?);
        if let Some(sent) = once(stream, Interest::WRITABLE, data.len(), send) {
            return Poll::Ready(sent);
        }
    }
}

/// A system call on a stream that seems ready; nothing where it was not. After a call for less than `whole` it is not
/// ready any more, as after one of tokio's: an edge comes with what follows.
///
/// tokio's go by way of libc, whose calls are points where a thread may be cancelled: it says so before and after each,
/// which costs about as much as the way into the kernel.
fn once(
    stream: &TcpStream,
    interest: Interest,
    whole: usize,
    call: impl FnOnce() -> io::Result<usize>,
) -> Option<io::Result<usize>> {
    let mut done = None;
    let result = stream.try_io(interest, || {
        let count = call()?;
        done = Some(count);
        if (1..whole).contains(&count) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(())
    });
    match (done, result) {
        (Some(count), _) => Some(Ok(count)),
        (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => Some(Err(error)),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;

    async fn pair() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ours = Socket::connect(&Address::Tcp(address), None).await.unwrap();
        let (theirs, _) = listener.accept().await.unwrap();
        (ours, theirs)
    }

    #[tokio::test]
    async fn what_comes_in_pieces_is_read_whole_and_then_waited_for() {
        let (mut ours, mut theirs) = pair().await;
        for (piece, room) in [("abc", 8), ("0123456789", 4), ("x", 1), ("yz", 2)] {
            theirs.write_all(piece.as_bytes()).await.unwrap();
            let (mut came, mut space) = (String::new(), vec![0; room]);
            while came.len() < piece.len() {
                let count = ours.read(&mut space).await.unwrap();
                came.push_str(std::str::from_utf8(&space[..count]).unwrap());
            }
            assert_eq!(came, piece);
            let more = timeout(Duration::from_millis(20), ours.read(&mut space));
            assert!(more.await.is_err(), "nothing is there after {piece}");
        }
        drop(theirs);
        assert_eq!(ours.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn more_than_the_socket_takes_is_sent_when_there_is_room_again() {
        let (mut ours, mut theirs) = pair().await;
        let all = vec![7; 16 << 20];
        let mut first = 0;
        while let Ok(count) = timeout(Duration::from_millis(50), ours.write(&all[first..])).await {
            first += count.unwrap();
        }
        assert!(first > 0 && first < all.len(), "{first}");
        let mut room = vec![0; first];
        let (sent, read) = tokio::join!(ours.write_all(&all[first..]), async {
            theirs.read_exact(&mut room).await.unwrap();
            let mut rest = vec![0; all.len() - first];
            theirs.read_exact(&mut rest).await.unwrap();
            rest
        });
        sent.unwrap();
        assert!(room == all[..first] && read == all[first..]);
    }

    #[tokio::test]
    async fn a_peer_that_is_gone_is_an_error_and_no_signal() {
        let (mut ours, theirs) = pair().await;
        theirs.set_zero_linger().unwrap();
        drop(theirs);
        assert!(ours.read(&mut [0; 8]).await.is_err(), "it was reset");
        let error = ours.write(b"x").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
