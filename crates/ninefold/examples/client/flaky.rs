//! A server whose mood can be set.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// How it answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mood {
    /// Every request, at once.
    Well,
    /// One in five by a 503.
    Flaky,
    /// All by a 503.
    Down,
    /// One in forty after 300 ms, the others after 1 ms.
    SlowAtTimes,
}

#[derive(Debug, Default)]
struct Shared {
    mood: AtomicU8,
    requests: AtomicU32,
}

/// The server, in the background.
#[derive(Debug)]
pub(crate) struct Flaky {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Flaky {
    pub(crate) async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { address, shared })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the mood, and counts requests from there on.
    pub(crate) fn set(&self, mood: Mood) {
        self.shared.mood.store(mood as u8, Ordering::Relaxed);
        self.shared.requests.store(0, Ordering::Relaxed);
    }

    /// Requests since the mood was set.
    pub(crate) fn requests(&self) -> u32 {
        self.shared.requests.load(Ordering::Relaxed)
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((connection, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        let service = service_fn(move |_| {
            let shared = Arc::clone(&shared);
            async move { Ok::<_, Infallible>(answer(&shared).await) }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(connection), service);
        tokio::spawn(async move {
            if let Err(_gone) = connection.await {
                // The client hung up: it timed out, or another attempt has won.
            }
        });
    }
}

async fn answer(shared: &Shared) -> Response<Full<Bytes>> {
    let number = shared.requests.fetch_add(1, Ordering::Relaxed);
    let mood = shared.mood.load(Ordering::Relaxed);
    let is = |other: Mood| mood == other as u8;
    if is(Mood::SlowAtTimes) {
        let slow = number % 40 == 39;
        tokio::time::sleep(Duration::from_millis(if slow { 300 } else { 1 })).await;
    }
    let mut answer = Response::new(Full::from("espresso"));
    if is(Mood::Down) || (is(Mood::Flaky) && number % 5 == 4) {
        *answer.status_mut() = hyper::StatusCode::SERVICE_UNAVAILABLE;
    }
    answer
}
