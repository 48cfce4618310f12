//! The backend's process.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::Settings;
use super::arrivals::Log;
use super::rng::Rng;
use crate::problem::{Problem, While};

/// How long requests under way may take after SIGTERM.
const FINISH_MAX: Duration = Duration::from_secs(2);

/// Serves until SIGTERM, which lets requests under way end.
pub(crate) fn run(
    number: u8,
    listen: SocketAddr,
    settings: Settings,
    log: &Path,
) -> Result<(), Problem> {
    let service = Arc::new(Service {
        number: HeaderValue::from(u16::from(number)),
        log: Log::open(log)?,
        rng: Rng::new(u64::from(number)),
        state: Mutex::new(State::new(settings)),
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.while_("start")?.block_on(serve(listen, service))
}

async fn serve(listen: SocketAddr, service: Arc<Service>) -> Result<(), Problem> {
    let mut asked = signal(SignalKind::terminate()).while_("wait for SIGTERM")?;
    let listener = TcpListener::bind(listen)
        .await
        .while_(&format!("listen on {listen}"))?;
    let (end, ended) = watch::channel(false);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = asked.recv() => break,
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, Arc::clone(&service), ended.clone()));
                }
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    end.send_replace(true);
    let finished = async { while connections.join_next().await.is_some() {} };
    // Who takes longer is cut.
    drop(tokio::time::timeout(FINISH_MAX, finished).await);
    Ok(())
}

async fn connection(stream: TcpStream, service: Arc<Service>, mut ended: watch::Receiver<bool>) {
    drop(stream.set_nodelay(true));
    let answer = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new());
    let connection = http.serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = ended.wait_for(|ended| *ended) => connection.as_mut().graceful_shutdown(),
    }
    // The client's end of it; what it missed, it counts itself.
    drop(connection.await);
}

#[derive(Debug)]
struct Service {
    number: HeaderValue,
    log: Log,
    rng: Rng,
    state: Mutex<State>,
}

#[derive(Clone, Debug)]
struct State {
    settings: Settings,
    slots: Arc<Semaphore>,
}

impl State {
    fn new(settings: Settings) -> Self {
        let slots = Arc::new(Semaphore::new(settings.slots));
        Self { settings, slots }
    }
}

impl Service {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        if path == "/health" {
            return self.response(StatusCode::OK, "");
        }
        if path == "/set" {
            return self.set(request.uri().query().unwrap_or_default());
        }
        let id = request
            .headers()
            .get("x-id")
            .and_then(|id| id.to_str().ok());
        self.log.write(id.unwrap_or("-"));
        if request.into_body().collect().await.is_err() {
            return self.response(StatusCode::BAD_REQUEST, "the body was cut\n");
        }
        let State { settings, slots } = self.state();
        let fails = self.rng.below(100) < u64::from(settings.errors_pct);
        if !(fails && settings.instant) {
            let Ok(_slot) = slots.acquire().await else {
                return self.response(StatusCode::INTERNAL_SERVER_ERROR, "no slots\n");
            };
            let mean = u64::try_from(settings.service.as_micros()).unwrap_or(u64::MAX);
            let micros = mean / 2 + self.rng.below(mean + 1);
            tokio::time::sleep(Duration::from_micros(micros)).await;
        }
        if fails {
            self.response(
                StatusCode::INTERNAL_SERVER_ERROR,
                "it fails as it was told\n",
            )
        } else {
            let body = if settings.wrong { WRONG } else { ANSWER };
            self.response(StatusCode::OK, body)
        }
    }

    fn set(&self, query: &str) -> Response<Full<Bytes>> {
        match self.state().settings.change(query) {
            Ok(settings) => {
                *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::new(settings);
                self.response(StatusCode::OK, "")
            }
            Err(why) => {
                eprintln!("{why}");
                self.response(StatusCode::BAD_REQUEST, "no such setting\n")
            }
        }
    }

    fn state(&self) -> State {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn response(&self, status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert("x-served-by", self.number.clone());
        response
    }
}

/// As many, and others.
const WRONG: &str = "yxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n";
/// 100 bytes.
pub(crate) const ANSWER: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n";
