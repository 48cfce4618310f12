//! One connection to an endpoint.

use std::future::{Future, poll_fn};
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::exchange::AttemptBody;
use crate::gather::Gathering;
use crate::guard::Alarm;

/// Bytes of an answer's head at most.
const HEAD_MAX: usize = 64 << 10;

type Http = http1::Connection<TokioIo<Gathering<TcpStream>>, AttemptBody>;

/// A connection and whoever drives it. Dropping it closes the connection.
///
/// It is driven by the task that waits for the answer: a driver of its own would have to be woken,
/// and to wake that task, twice in every request. Only what goes on beside the answer has one.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<AttemptBody>,
    driver: Driver,
    /// Whether a request waits for the first time that this is driven.
    unsent: bool,
    /// For the time that its user waits at most.
    pub(crate) alarm: Alarm,
    pub(crate) reused: bool,
    pub(super) idle_since: Instant,
}

#[derive(Debug)]
enum Driver {
    User(Box<Http>),
    Task(AbortHandle),
    Ended,
}

impl Connection {
    /// Connects to `address`.
    pub(super) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = Builder::new()
            .max_header_size(HEAD_MAX)
            .handshake(TokioIo::new(Gathering(stream)))
            .await
            .map_err(io::Error::other)?;
        Ok(Self {
            sender,
            driver: Driver::User(Box::new(connection)),
            unsent: false,
            alarm: Alarm::default(),
            reused: false,
            idle_since: Instant::now(),
        })
    }

    /// Gives `request` to the connection; it is sent, and answered, while this is driven.
    pub(super) fn send(
        &mut self,
        request: Request<AttemptBody>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<AttemptBody>>>> + use<>
    {
        self.unsent = true;
        self.sender.try_send_request(request)
    }

    /// Asks `poll` for something that this connection brings, an answer or a piece of one, and
    /// drives it for that. It wakes its user for news from the endpoint only: what it hands over
    /// itself is asked for right afterwards, and a connection that is given back wakes nobody.
    pub(crate) fn poll_for<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if self.is_detached() {
            return poll(cx);
        }
        let mut quiet = Context::from_waker(Waker::noop());
        // Nothing has come yet of what was not sent.
        if !mem::take(&mut self.unsent) {
            self.drive(&mut quiet);
            let there = poll(&mut quiet);
            if there.is_ready() {
                return there;
            }
        }
        self.drive(cx);
        poll(&mut quiet)
    }

    /// Goes on as far as is possible now. How it ended is told to the request under way.
    fn drive(&mut self, cx: &mut Context<'_>) {
        if let Driver::User(http) = &mut self.driver
            && Pin::new(http.as_mut()).poll(cx).is_ready()
        {
            self.driver = Driver::Ended;
        }
    }

    /// From now on a task drives it: for an upgrade, and for a request whose body is still sent
    /// while its answer is read.
    pub(super) fn detach(&mut self) {
        self.driver = match mem::replace(&mut self.driver, Driver::Ended) {
            Driver::User(http) => {
                let task = tokio::task::spawn_local(async move {
                    drop(http.with_upgrades().await);
                });
                Driver::Task(task.abort_handle())
            }
            driver => driver,
        };
    }

    /// Whether nothing is under way, and another request may follow.
    pub(super) fn is_idle(&mut self) -> bool {
        if !self.sender.is_ready() {
            self.look();
        }
        matches!(self.driver, Driver::User(_)) && self.sender.is_ready()
    }

    /// Whether the endpoint has not closed it, as far as the event loop knows.
    pub(super) fn is_alive(&mut self) -> bool {
        self.look();
        !matches!(self.driver, Driver::Ended)
    }

    /// Waits until an answered request was sent to its end.
    pub(super) async fn sent(&mut self) {
        // An error is an end, too.
        drop(poll_fn(|cx| self.sender.poll_ready(cx)).await);
    }

    /// Whether a task drives it.
    pub(super) const fn is_detached(&self) -> bool {
        matches!(self.driver, Driver::Task(_))
    }

    /// Takes note of what has happened, without being woken for what will.
    fn look(&mut self) {
        self.drive(&mut Context::from_waker(Waker::noop()));
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Driver::Task(task) = &self.driver {
            task.abort();
        }
    }
}
