//! HTTP/2 connections of one thread to one endpoint.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use ninefold_core::address::Address;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::http2::Upload;
use super::wire::Wire;
use crate::local::Local;

/// Requests at once on one connection; with more, another one is opened.
const STREAMS_MAX: u32 = 100;

/// Connections at once; with more requests than they carry, those share what there is.
const SESSIONS_MAX: usize = 16;

/// Bytes of an answer's head.
const HEAD_MAX: u32 = 64 << 10;

/// Bytes of a request that wait for the endpoint, for each stream.
const SEND_BUFFER_MAX: usize = 64 << 10;

/// How often a silent endpoint with streams under way is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(5);

/// How long it may take to say so.
const PONG_WITHIN: Duration = Duration::from_secs(5);

/// One connection.
pub(super) struct Session {
    sender: SendRequest<Upload>,
    address: Address,
    secure: bool,
    streams: Cell<u32>,
    /// Whether no further stream may begin.
    retired: Cell<bool>,
    idle_since: Cell<Instant>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("address", &self.address)
            .field("streams", &self.streams.get())
            .field("retired", &self.retired.get())
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Begins to speak HTTP/2.
    pub(super) async fn open(wire: Wire, address: Address) -> io::Result<Self> {
        let secure = wire.is_secure();
        let mut builder = Builder::new(Local);
        builder
            .timer(TokioTimer::new())
            .max_header_list_size(HEAD_MAX)
            .max_send_buf_size(SEND_BUFFER_MAX)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PONG_WITHIN);
        let handshake = builder.handshake(TokioIo::new(wire)).await;
        let (sender, connection) = handshake.map_err(io::Error::other)?;
        let to = address.clone();
        drop(tokio::task::spawn_local(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, %to, "an HTTP/2 connection to an endpoint ended");
            }
        }));
        Ok(Self {
            sender,
            address,
            secure,
            streams: Cell::new(0),
            retired: Cell::new(false),
            idle_since: Cell::new(Instant::now()),
        })
    }

    pub(super) const fn is_secure(&self) -> bool {
        self.secure
    }

    pub(super) const fn address(&self) -> &Address {
        &self.address
    }

    /// No new stream begins; those under way end as they do.
    pub(super) fn retire(&self) {
        self.retired.set(true);
    }

    fn is_usable(&self) -> bool {
        !self.retired.get() && !self.sender.is_closed()
    }
}

/// A place for one request on a connection.
#[derive(Debug)]
pub(super) struct Stream(Rc<Session>);

impl Stream {
    fn new(session: &Rc<Session>) -> Self {
        session.streams.set(session.streams.get() + 1);
        Self(Rc::clone(session))
    }

    pub(super) const fn session(&self) -> &Rc<Session> {
        &self.0
    }

    pub(super) fn send(
        &self,
        request: Request<Upload>,
    ) -> Pin<Box<dyn Future<Output = hyper::Result<Response<Incoming>>>>> {
        let mut sender = self.0.sender.clone();
        Box::pin(async move { sender.send_request(request).await })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let session = &self.0;
        session.streams.set(session.streams.get().saturating_sub(1));
        session.idle_since.set(Instant::now());
    }
}

/// The connections there are.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    list: RefCell<Vec<Rc<Session>>>,
    opening: Mutex<()>,
}

impl Sessions {
    /// A place on a connection that has one, or, if there can be no more of them, on any.
    pub(super) fn find(&self) -> Option<Stream> {
        let mut list = self.list.borrow_mut();
        list.retain(|session| session.is_usable());
        let least = list.iter().min_by_key(|session| session.streams.get())?;
        let room = least.streams.get() < STREAMS_MAX || list.len() >= SESSIONS_MAX;
        room.then(|| Stream::new(least))
    }

    /// One request at a time opens a connection: the others mostly find theirs on it.
    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.opening.lock().await
    }

    /// Shares a new connection; the first place on it.
    pub(super) fn add(&self, session: Session) -> Stream {
        let session = Rc::new(session);
        let stream = Stream::new(&session);
        self.list.borrow_mut().push(session);
        stream
    }

    /// Closes those without a request for so long.
    pub(super) fn tidy(&self, now: Instant, idle_max: Duration) {
        self.list.borrow_mut().retain(|session| {
            let idle = now.saturating_duration_since(session.idle_since.get());
            session.is_usable() && (session.streams.get() > 0 || idle < idle_max)
        });
    }
}
