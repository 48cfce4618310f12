//! One downstream connection.

use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::downstream::{RequestBody, serve as serve_http1};
use crate::exchange::{Client, serve as serve_request};
use crate::guard::{Guard, Protocol};
use crate::local::Local;
use crate::plan::ListenerPlan;
use crate::socket::Socket;
use crate::worker::Worker;

/// How long a TLS handshake may take.
pub(crate) const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// Streams of one HTTP/2 connection that a client may reset before they were served (rapid reset,
/// CVE-2023-44487).
const PENDING_RESETS_MAX: usize = 20;

/// Streams of one HTTP/2 connection that may be reset for errors of the client (MadeYouReset).
const ERROR_RESETS_MAX: usize = 100;

/// Bytes that one HTTP/2 stream may have buffered towards its client.
const SEND_BUFFER_MAX: usize = 64 << 10;

/// How often a silent HTTP/2 peer with open streams is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(30);

/// Serves a connection to its end.
pub(super) async fn serve(client: Rc<Client>, stream: Socket, tls: Option<TlsAcceptor>) {
    let hub = Arc::clone(&client.worker.hub);
    let (Some(plan), Some(cells)) = (
        hub.plan.listeners.get(client.listener),
        hub.listeners.get(client.listener),
    ) else {
        return;
    };
    let pulse = Arc::clone(&client.pulse);
    let Some(tls) = tls else {
        let guard = Guard::new(stream, plan.guard, pulse);
        return speak(client, plan, guard, None).await;
    };
    match timeout(HANDSHAKE_MAX, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let guard = Guard::new(stream, plan.guard, pulse);
            let protocol = if h2 { Protocol::Http2 } else { Protocol::Http1 };
            speak(client, plan, guard, Some(protocol)).await;
        }
        Ok(Err(_)) | Err(_) => {
            cells.handshakes_failed.fetch_add(1, Relaxed);
        }
    }
}

/// Serves HTTP of either version.
async fn speak<S>(
    client: Rc<Client>,
    plan: &ListenerPlan,
    mut guard: Guard<S>,
    protocol: Option<Protocol>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Debug + Send + 'static,
{
    let protocol = match protocol {
        Some(protocol) => Some(protocol),
        None => unless_closing(&client.worker, guard.detect())
            .await
            .flatten(),
    };
    match protocol {
        None => {}
        Some(Protocol::Http1) => {
            let connection = pin!(serve_http1(&client, guard.into_line()));
            // One that is idle is not closed at once: a request may be on its way. It looks by itself
            // whether it is time, once it is woken.
            let worker = Rc::clone(&client.worker);
            let (close, is_closing) = (worker.closing(), || worker.is_closing());
            let end = Farewell { close, is_closing };
            drive(&client, connection, end, |_| ()).await;
        }
        Some(Protocol::Http2) => {
            let service = service_fn({
                let client = Rc::clone(&client);
                move |request: Request<Incoming>| {
                    let request = request.map(RequestBody::from);
                    serve_request(&client, request)
                }
            });
            let mut builder = http2::Builder::new(Local);
            let head_size = u32::try_from(plan.limits.head_size.0).unwrap_or(u32::MAX);
            builder
                .timer(TokioTimer::new())
                .max_concurrent_streams(plan.limits.streams)
                .max_header_list_size(head_size)
                .max_pending_accept_reset_streams(PENDING_RESETS_MAX)
                .max_local_error_reset_streams(ERROR_RESETS_MAX)
                .max_send_buf_size(SEND_BUFFER_MAX)
                .keep_alive_interval(PING_EVERY);
            let connection = builder.serve_connection(TokioIo::new(guard), service);
            // GOAWAY says which requests are still served, so it may be said at once.
            let worker = Rc::clone(&client.worker);
            let (close, is_closing) = (worker.draining(), || worker.is_draining());
            let end = Farewell { close, is_closing };
            // Boxed: it is far larger than what one of HTTP/1 needs.
            let mut connection = Box::pin(connection);
            drive(&client, connection.as_mut(), end, |c| c.graceful_shutdown()).await;
        }
    }
}

/// When a connection is to end.
struct Farewell<F, B> {
    /// Resolves then.
    close: F,
    /// Whether it is time.
    is_closing: B,
}

/// Runs a connection; when it is to end it is told once to do so gracefully.
async fn drive<C, T>(
    client: &Client,
    mut connection: Pin<&mut C>,
    end: Farewell<impl Future<Output = ()>, impl Fn() -> bool>,
    shut: impl Fn(Pin<&mut C>),
) where
    C: Future<Output = T>,
{
    let mut close = pin!(end.close);
    let mut told = false;
    let mut listening = false;
    poll_fn(|cx| {
        if client.is_doomed() {
            return Poll::Ready(());
        }
        // Registered once: a task's waker stays the same, and polling it costs.
        if !told && (!listening || (end.is_closing)()) {
            if !listening {
                client.runs_as(cx.waker());
            }
            listening = true;
            if close.as_mut().poll(cx).is_ready() {
                told = true;
                shut(connection.as_mut());
            }
        }
        connection.as_mut().poll(cx).map(drop)
    })
    .await;
}

/// `None` if even idle connections end first.
async fn unless_closing<T>(worker: &Worker, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = future => Some(done),
        () = worker.closing() => None,
    }
}
