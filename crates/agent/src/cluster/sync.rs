//! The state of another node over a stream: the membership's questions go one way, their answers the other, each with its
//! length before it.
//!
//! The membership decides when, and of whom; it has the answers, too. Here are the connection and its limits: time, bytes,
//! and how many there are at once. Whatever goes wrong, the stream ends, and what it was for is learnt by packets.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ninefold_cluster::membership::StateError;
use ninefold_cluster::membership::wire::FRAME_MAX;
use ninefold_core::status::SyncStatus;
use ninefold_core::time::Timestamp;
use ninefold_trust::rotation::Keys;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::credentials::Credentials;

/// What the client says in the handshake.
pub(super) const PROTOCOL: &[u8] = b"ninefold-state/1";
/// States that are served at once at most; who comes then is told so.
pub(super) const SERVED_MAX: usize = 4;
/// How long one may take, from connecting on.
const STREAM_TIME_MAX: Duration = Duration::from_secs(5);
/// Bytes of answers on one stream at most. What is missing then is asked for again.
const STREAM_BYTES_MAX: usize = 64 << 20;
/// Questions and answers that wait for the gossiping thread.
pub(super) const ASKS_MAX: usize = 8;

/// What the ends of streams want of the membership.
#[derive(Debug)]
pub(super) enum Ask {
    /// The next question; nothing if there is none any more.
    Question(oneshot::Sender<Option<Vec<u8>>>),
    /// What one that asks does not know.
    Answer(Vec<u8>, oneshot::Sender<Result<Vec<u8>, StateError>>),
    /// Takes an answer; whether it was the last one.
    Take(Vec<u8>, oneshot::Sender<Result<bool, StateError>>),
    /// The stream has failed.
    Failed,
    /// A member that has the authority, and its name.
    Authority(oneshot::Sender<Option<(Fetch, String)>>),
    /// Members that are there and do not have this generation of keys.
    Behind(u64, oneshot::Sender<usize>),
    /// A member that may have a later one, and its name.
    NewerKeys(u64, oneshot::Sender<Option<(Fetch, String)>>),
    /// This node goes on with these keys.
    Adopt(Arc<Keys>),
    /// All are to know until when this node's certificate is good.
    SayUntil(Timestamp),
}

/// A member that is to be connected to: where, and what its certificate is for.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) addr: SocketAddr,
    pub(super) name: ServerName<'static>,
}

/// How streams have ended.
#[derive(Debug, Default)]
pub(super) struct Counts {
    fetched: AtomicU64,
    fetches_failed: AtomicU64,
    fetches_refused: AtomicU64,
    served: AtomicU64,
    serves_failed: AtomicU64,
    serves_refused: AtomicU64,
    strangers: AtomicU64,
}

impl Counts {
    /// One without a certificate of the cluster.
    pub(super) fn stranger(&self) {
        add(&self.strangers);
    }

    pub(super) fn status(&self) -> SyncStatus {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        SyncStatus {
            fetched: of(&self.fetched),
            fetches_failed: of(&self.fetches_failed),
            fetches_refused: of(&self.fetches_refused),
            served: of(&self.served),
            serves_failed: of(&self.serves_failed),
            serves_refused: of(&self.serves_refused),
            strangers: of(&self.strangers),
        }
    }
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// Why a stream ended before everything was said.
#[derive(Debug, thiserror::Error)]
pub(super) enum SyncError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it took more than {STREAM_TIME_MAX:?}")]
    Time(#[from] tokio::time::error::Elapsed),
    #[error("the other node has a certificate of the cluster, and does not serve states")]
    Protocol,
    #[error("the other node serves others")]
    Busy,
    #[error("a frame of {0} bytes is longer than any")]
    Frame(usize),
    #[error("more than {STREAM_BYTES_MAX} bytes")]
    Bytes,
    #[error("{0}")]
    State(#[from] StateError),
    /// The membership has ended.
    #[error("this node's part of the cluster has ended")]
    Ended,
}

/// Fetches what is wanted, one after the other, until nobody is left who wants something.
pub(super) async fn fetch_all(
    mut wanted: mpsc::Receiver<Fetch>,
    credentials: Credentials,
    asks: mpsc::Sender<Ask>,
    counts: Arc<Counts>,
) {
    while let Some(one) = wanted.recv().await {
        let (addr, shown) = (one.addr, credentials.shown());
        let ended = timeout(STREAM_TIME_MAX, fetch(one, &shown.states, &asks)).await;
        let Err(error) = ended.unwrap_or_else(|late| Err(late.into())) else {
            add(&counts.fetched);
            continue;
        };
        tracing::debug!(%addr, %error, "no state was fetched");
        let busy = matches!(error, SyncError::Busy);
        add(if busy {
            &counts.fetches_refused
        } else {
            &counts.fetches_failed
        });
        // What is no answer it has seen itself.
        if !matches!(error, SyncError::State(_)) {
            asks.send(Ask::Failed).await.ok();
        }
    }
}

async fn fetch(
    wanted: Fetch,
    connector: &TlsConnector,
    asks: &mpsc::Sender<Ask>,
) -> Result<(), SyncError> {
    let stream = TcpStream::connect(wanted.addr).await?;
    stream.set_nodelay(true)?;
    let mut stream = connector.connect(wanted.name, stream).await?;
    if stream.get_ref().1.alpn_protocol() != Some(PROTOCOL) {
        return Err(SyncError::Protocol);
    }
    let mut bytes = 0;
    while let Some(question) = ask(asks, Ask::Question).await? {
        write(&mut stream, &question).await?;
        let answer = read(&mut stream, FRAME_MAX).await?;
        let answer = answer.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        if answer.is_empty() {
            return Err(SyncError::Busy);
        }
        bytes += answer.len();
        if bytes > STREAM_BYTES_MAX {
            return Err(SyncError::Bytes);
        }
        if ask(asks, |reply| Ask::Take(answer, reply)).await?? {
            break;
        }
    }
    // All is there, whatever becomes of the connection.
    stream.shutdown().await.ok();
    Ok(())
}

/// Answers one that asks, if there is a place for it.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    has_place: bool,
    asks: &mpsc::Sender<Ask>,
    counts: &Counts,
) -> io::Result<()> {
    if !has_place {
        add(&counts.serves_refused);
        let told = async {
            write(&mut stream, &[]).await?;
            stream.shutdown().await
        };
        return timeout(STREAM_TIME_MAX, told).await?;
    }
    let ended = timeout(STREAM_TIME_MAX, answer_all(&mut stream, asks)).await;
    let ended = ended.unwrap_or_else(|late| Err(late.into()));
    add(if ended.is_ok() {
        &counts.served
    } else {
        &counts.serves_failed
    });
    ended.map_err(io::Error::other)
}

async fn answer_all<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    asks: &mpsc::Sender<Ask>,
) -> Result<(), SyncError> {
    let mut bytes = 0;
    while let Some(question) = read(stream, FRAME_MAX).await? {
        let answer = ask(asks, |reply| Ask::Answer(question, reply)).await??;
        bytes += answer.len();
        if bytes > STREAM_BYTES_MAX {
            return Err(SyncError::Bytes);
        }
        write(stream, &answer).await?;
    }
    Ok(())
}

pub(super) async fn ask<T>(
    asks: &mpsc::Sender<Ask>,
    what: impl FnOnce(oneshot::Sender<T>) -> Ask,
) -> Result<T, SyncError> {
    let (reply, answer) = oneshot::channel();
    asks.send(what(reply))
        .await
        .map_err(|_ended| SyncError::Ended)?;
    answer.await.map_err(|_ended| SyncError::Ended)
}

pub(super) async fn write<S: AsyncWrite + Unpin>(stream: &mut S, frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(frame).await?;
    stream.flush().await
}

/// The next frame; nothing where the stream ends before one.
pub(super) async fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
    size_max: usize,
) -> Result<Option<Vec<u8>>, SyncError> {
    let mut length = [0; 4];
    if stream.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut length[1..]).await?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > size_max {
        return Err(SyncError::Frame(length));
    }
    let mut frame = vec![0; length];
    stream.read_exact(&mut frame).await?;
    Ok(Some(frame))
}

/// A connection to a member that speaks the protocol.
pub(super) async fn connect(
    to: Fetch,
    connector: &TlsConnector,
    protocol: &[u8],
) -> Result<TlsStream<TcpStream>, String> {
    let stream = TcpStream::connect(to.addr).await.map_err(text)?;
    let stream = connector.connect(to.name, stream).await.map_err(text)?;
    if stream.get_ref().1.alpn_protocol() == Some(protocol) {
        return Ok(stream);
    }
    let protocol = String::from_utf8_lossy(protocol);
    Err(format!("it does not speak {protocol}"))
}

/// What the other end says, which has to say something.
pub(super) async fn message<S: AsyncRead + Unpin>(
    stream: &mut S,
    size_max: usize,
) -> Result<Vec<u8>, String> {
    let message = read(stream, size_max).await.map_err(text)?;
    message.ok_or_else(|| "the connection was closed without a word".to_owned())
}

pub(super) fn text(error: impl fmt::Display) -> String {
    error.to_string()
}
