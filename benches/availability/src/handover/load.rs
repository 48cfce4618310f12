//! An open loop that goes on until it is told to end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONNECTION, HOST, HeaderValue};
use hyper::{Method, Request};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::load::{Client, Reuse};

/// When a client gives up.
const PATIENCE: Duration = Duration::from_secs(5);
/// Requests in flight of one loop at most; what is due beyond is counted as failed.
const IN_FLIGHT_MAX: usize = 4_000;
/// The body of a POST.
const BODY: &[u8] = &[b'x'; 256];

/// A kind of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// GET on kept connections.
    Get,
    /// POST on kept connections.
    Post,
    /// GET, each on a connection of its own.
    Once,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Get, Self::Post, Self::Once];

    /// Its part of all requests.
    const fn share(self) -> f64 {
        match self {
            Self::Get => 0.5,
            Self::Post | Self::Once => 0.25,
        }
    }

    fn request(self) -> Request<Full<Bytes>> {
        let body = if self == Self::Post { BODY } else { b"" };
        let mut request = Request::new(Full::new(Bytes::from_static(body)));
        if self == Self::Post {
            *request.method_mut() = Method::POST;
        }
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_static("bench"));
        if self == Self::Once {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        request
    }
}

/// What became of the requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// From the intended start to the end of the answer, of those that went well.
    pub(super) took: Vec<Duration>,
    /// How late each was begun.
    pub(super) late: Vec<Duration>,
    /// Why the others failed.
    pub(super) failures: Vec<String>,
}

impl Seen {
    fn take(&mut self, done: Result<Duration, String>) {
        match done {
            Ok(took) => self.took.push(took),
            Err(why) => self.failures.push(why),
        }
    }

    /// Both together.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.took.extend(other.took);
        self.late.extend(other.late);
        self.failures.extend(other.failures);
        self
    }
}

/// Sends requests of one kind, its share of `rate_hz`, until `end`.
pub(super) async fn drive(
    kind: Kind,
    address: SocketAddr,
    rate_hz: f64,
    end: Arc<AtomicBool>,
) -> Seen {
    // The connection that was idle for longest is used next, so that none is idle for long.
    let reuse = match kind {
        Kind::Once => Reuse::Never,
        Kind::Get | Kind::Post => Reuse::Oldest,
    };
    let client = Arc::new(Client::new(address, reuse));
    let began = Instant::now();
    let mut seen = Seen::default();
    let mut requests: JoinSet<Result<Duration, String>> = JoinSet::new();
    for number in (0..).map(f64::from) {
        let due = began + Duration::from_secs_f64(number / (rate_hz * kind.share()));
        sleep_until(due).await;
        if end.load(Relaxed) {
            break;
        }
        while let Some(Ok(done)) = requests.try_join_next() {
            seen.take(done);
        }
        seen.late.push(due.elapsed());
        if requests.len() >= IN_FLIGHT_MAX {
            seen.take(Err("too many wait".to_owned()));
            continue;
        }
        let client = Arc::clone(&client);
        requests.spawn(async move {
            match timeout(PATIENCE, client.send(kind.request())).await {
                Ok(Ok(200)) => Ok(due.elapsed()),
                Ok(Ok(status)) => Err(format!("{kind:?}: status {status}")),
                Ok(Err(why)) => Err(format!("{kind:?}: {why}")),
                Err(_late) => Err(format!("{kind:?}: no answer within {PATIENCE:?}")),
            }
        });
    }
    while let Some(Ok(done)) = requests.join_next().await {
        seen.take(done);
    }
    seen
}
