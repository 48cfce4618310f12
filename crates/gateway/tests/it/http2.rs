//! HTTP/2 and gRPC towards endpoints.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use ninefold_config::model::{Breaker, File, Ratio, Retry, ServiceProtocol, Span};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::rig::{Rig, file, soon, until};

pub(crate) type Body = BoxBody<Bytes, Infallible>;

/// One request as an endpoint of HTTP/2 saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) head: http::request::Parts,
    body: Bytes,
    trailers: Option<HeaderMap>,
}

/// An endpoint that speaks HTTP/2.
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
    /// Ends every connection gracefully.
    go_away: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Endpoint {
    pub(crate) async fn start<F: Future<Output = Response<Body>> + Send + 'static>(
        tls: Option<tokio_rustls::TlsAcceptor>,
        answer: impl Fn(Seen) -> F + Clone + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let go_away = Arc::new(Notify::new());
        let (seen2, count, away) = (seen.clone(), connections.clone(), go_away.clone());
        let task = tokio::spawn(async move {
            let mut set = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, answer, seen, count, away) = (
                    tls.clone(),
                    answer.clone(),
                    seen2.clone(),
                    count.clone(),
                    away.clone(),
                );
                set.spawn(async move {
                    match tls {
                        None => serve(stream, answer, seen, count, away).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, answer, seen, count, away).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            seen,
            connections,
            go_away,
            task,
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve<S, F>(
    stream: S,
    answer: impl Fn(Seen) -> F + Clone + Send + Sync + 'static,
    seen: Arc<Mutex<Vec<Seen>>>,
    count: Arc<AtomicUsize>,
    away: Arc<Notify>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    count.fetch_add(1, SeqCst);
    let service = service_fn(move |request: Request<Incoming>| {
        let (answer, seen) = (answer.clone(), seen.clone());
        async move {
            let (head, body) = request.into_parts();
            let Ok(collected) = body.collect().await else {
                return Err("the request broke off");
            };
            let trailers = collected.trailers().cloned();
            let body = collected.to_bytes();
            let one = Seen {
                head,
                body,
                trailers,
            };
            seen.lock().unwrap().push(one.clone());
            Ok(answer(one).await)
        }
    });
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = &mut connection => return,
        () = away.notified() => connection.as_mut().graceful_shutdown(),
    }
    drop(connection.await);
}

pub(crate) fn text(body: &'static str) -> Response<Body> {
    Response::new(Full::new(Bytes::from_static(body.as_bytes())).boxed())
}

/// A gRPC answer: a message, and its status in trailers.
fn reply(status: u32) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(status));
    let frames = [
        Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"\0\0\0\0\x02hi"))),
        Ok(Frame::trailers(trailers)),
    ];
    let mut response = Response::new(StreamBody::new(futures_util::stream::iter(frames)).boxed());
    let kind = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", kind);
    response
}

/// A gRPC answer that is an error and nothing else.
fn refusal(status: u32) -> Response<Body> {
    let mut response = text("");
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from(status));
    response
}

fn http2() -> File {
    let mut file = file();
    file.services.values_mut().next().unwrap().protocol = ServiceProtocol::Http2;
    file
}

async fn client(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    sender
}

fn call(path: &str) -> Request<Full<Bytes>> {
    Request::post(format!("http://shop.test{path}"))
        .version(Version::HTTP_2)
        .header("content-type", "application/grpc+proto")
        .header("te", "trailers")
        .body(Full::new(Bytes::from_static(b"\0\0\0\0\x02ho")))
        .unwrap()
}

/// What a gRPC client reads of an answer: its status and its message's bytes.
async fn read(response: Response<Incoming>) -> (u32, HeaderMap, Bytes) {
    assert_eq!(response.status(), StatusCode::OK);
    let mut headers = response.headers().clone();
    let collected = response.into_body().collect().await.unwrap();
    headers.extend(collected.trailers().cloned().unwrap_or_default());
    let status = headers["grpc-status"].to_str().unwrap().parse().unwrap();
    (status, headers, collected.to_bytes())
}

#[tokio::test]
async fn requests_of_http_1_become_streams_of_one_connection_a_thread() {
    let endpoint = Endpoint::start(None, |_| async { text("hello") }).await;
    let rig = Rig::new(&http2());
    rig.publish(&[endpoint.address]);
    let all = (0..40).map(|_| rig.get("/x?y=1"));
    for answer in futures_util::future::join_all(all).await {
        assert_eq!((answer.status, &*answer.body), (200, "hello"));
    }
    let posted = rig
        .once("POST /p HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        .await;
    assert_eq!(posted.status, 200);
    assert!(endpoint.connections.load(SeqCst) <= 2);
    let seen = endpoint.seen();
    let (first, last) = (&seen[0], &seen[40]);
    assert_eq!(first.head.uri.to_string(), "http://a/x?y=1");
    assert_eq!(first.head.headers["x-forwarded-host"], "a");
    assert!(!first.head.headers.contains_key("host"));
    assert_eq!(&last.body[..], b"abc");
    assert_eq!(rig.settled().await.ok, 41);
}

#[tokio::test]
async fn an_endpoint_that_says_goodbye_loses_no_request() {
    let endpoint = Endpoint::start(None, |_| async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        text("hello")
    })
    .await;
    let rig = Rig::new(&http2());
    rig.publish(&[endpoint.address]);
    let away = endpoint.go_away.clone();
    let leaving = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            away.notify_waiters();
        }
    });
    let mut sender = client(rig.address).await;
    for _ in 0..300 {
        // Not idempotent: nothing but what was certainly not looked at may be sent again.
        let request = Request::post("http://shop.test/")
            .body(Full::new(Bytes::from_static(b"x")))
            .unwrap();
        let answer = soon("an answer", sender.send_request(request))
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.into_body().collect().await.unwrap();
    }
    leaving.abort();
    assert!(endpoint.connections.load(SeqCst) > 2);
    assert_eq!(rig.settled().await.ok, 300);
    assert_eq!(endpoint.seen().len(), 300);
}

#[tokio::test]
async fn an_endpoint_that_is_silent_costs_one_try_and_its_connection() {
    let silent = Endpoint::start(None, |_| std::future::pending()).await;
    let good = Endpoint::start(None, |_| async { text("hello") }).await;
    let mut file = http2();
    file.listeners[0].routes[0].try_timeout = Span::millis(100);
    let rig = Rig::new(&file);
    rig.publish(&[silent.address, good.address]);
    for _ in 0..20 {
        assert_eq!(rig.get("/").await.status, 200);
    }
    let endpoint = rig.counters().endpoints.remove(0);
    assert!(endpoint.report.timed_out >= 1, "{endpoint:?}");
}

#[tokio::test]
async fn what_speaks_no_http_2_is_a_bad_gateway() {
    let backend = crate::backend::Backend::start(|_| crate::backend::ok("hello")).await;
    let mut file = http2();
    file.listeners[0].routes[0].retry = None;
    let rig = Rig::with(&file, &[&backend]);
    assert_eq!(rig.get("/").await.status, 502);
}

#[tokio::test]
async fn grpc_calls_pass_with_their_time_and_trailers() {
    let endpoint = Endpoint::start(None, |seen| async move {
        match seen.head.uri.path() {
            "/shop.Cart/Gone" => refusal(5),
            _ => reply(0),
        }
    })
    .await;
    let rig = Rig::new(&http2());
    rig.publish(&[endpoint.address]);
    let mut sender = client(rig.address).await;
    let mut request = call("/shop.Cart/Add");
    let time = HeaderValue::from_static("3S");
    request.headers_mut().insert("grpc-timeout", time);
    let answer = soon("an answer", sender.send_request(request))
        .await
        .unwrap();
    let (status, _, body) = read(answer).await;
    assert_eq!((status, &body[..]), (0, &b"\0\0\0\0\x02hi"[..]));
    let gone = sender.send_request(call("/shop.Cart/Gone")).await.unwrap();
    assert_eq!(read(gone).await.0, 5);

    let seen = &endpoint.seen()[0];
    assert_eq!(&seen.body[..], b"\0\0\0\0\x02ho");
    assert_eq!(seen.head.headers["te"], "trailers");
    let left = seen.head.headers["grpc-timeout"].to_str().unwrap();
    let left: ninefold_core::policy::deadline::GrpcTimeout = left.parse().unwrap();
    assert!(
        left.0 <= Duration::from_secs(3) && left.0 > Duration::from_secs(1),
        "{left:?}"
    );
    assert!(seen.trailers.is_none());
    assert_eq!(rig.settled().await.ok, 2);
}

#[tokio::test]
async fn the_gateway_speaks_grpc_to_who_does() {
    let rig = Rig::new(&http2());
    let mut sender = client(rig.address).await;
    let answer = soon("an answer", sender.send_request(call("/a.B/C")))
        .await
        .unwrap();
    let (status, headers, body) = read(answer).await;
    assert_eq!((status, body.len()), (14, 0));
    assert_eq!(headers["content-type"], "application/grpc");
    assert_eq!(headers["grpc-retry-pushback-ms"], "1000");
    assert_eq!(headers["x-ninefold-reason"], "gateway/route");
    let message = headers["grpc-message"].to_str().unwrap();
    assert_eq!(message, "service app has no endpoint that is up");
}

/// Failures of gRPC hide behind status 200: in a head without a body, or in trailers.
#[tokio::test]
async fn grpc_failures_count_retry_and_eject() {
    for trailers_only in [true, false] {
        let bad = Endpoint::start(None, move |_| async move {
            if trailers_only {
                refusal(14)
            } else {
                reply(14)
            }
        })
        .await;
        let good = Endpoint::start(None, |_| async { reply(0) }).await;
        let mut file = http2();
        file.listeners[0].routes[0].retry = Some(Retry {
            non_idempotent: true,
            budget: Ratio::percent(100),
            ..Retry::default()
        });
        let rig = Rig::new(&file);
        rig.publish(&[bad.address, good.address]);
        let mut sender = client(rig.address).await;
        let (mut failed, mut calls) = (0, 0);
        while !rig.counters().endpoints[0].ejected() {
            let answer = soon("an answer", sender.send_request(call("/a.B/C"))).await;
            failed += u64::from(read(answer.unwrap()).await.0 == 14);
            calls += 1;
            assert!(calls < 1_000, "the bad one is not ejected");
        }
        // What has its status in the head is tried elsewhere; behind a message it is too late.
        assert_eq!(failed == 0, trailers_only, "{failed} of {calls}");
        let route = rig.settled().await;
        assert_eq!(route.failed, failed);
        assert_eq!(route.masked > 0, trailers_only);
    }
}

/// Nor does the breaker of a service take a call for a success before it has heard its end.
#[tokio::test]
async fn calls_that_fail_in_trailers_open_a_breaker() {
    let endpoint = Endpoint::start(None, |_| async { reply(14) }).await;
    let mut file = http2();
    file.listeners[0].routes[0].retry = None;
    file.services.values_mut().next().unwrap().breaker = Some(Breaker {
        minimum_calls: 5,
        ..Breaker::default()
    });
    let rig = Rig::new(&file);
    rig.publish(&[endpoint.address]);
    let mut sender = client(rig.address).await;
    for _ in 0..5 {
        let answer = soon("an answer", sender.send_request(call("/a.B/C"))).await;
        assert_eq!(read(answer.unwrap()).await.0, 14);
    }
    until("it opens", || async {
        (rig.counters().breakers[0].state == "open").then_some(())
    })
    .await;
    let answer = soon("an answer", sender.send_request(call("/a.B/C"))).await;
    let (status, headers, _) = read(answer.unwrap()).await;
    assert_eq!(
        (status, headers["x-ninefold-reason"].to_str().unwrap()),
        (14, "gateway/breaker")
    );
    assert_eq!(endpoint.seen().len(), 5);
}

/// An answer without a status is none: gRPC takes it for UNKNOWN, and so do those who judge endpoints.
#[tokio::test]
async fn calls_that_end_without_a_status_have_failed() {
    for empty in [true, false] {
        let endpoint = Endpoint::start(None, move |_| async move {
            let mut response = text(if empty { "" } else { "hi" });
            let kind = HeaderValue::from_static("application/grpc");
            response.headers_mut().insert("content-type", kind);
            response
        })
        .await;
        let mut file = http2();
        file.listeners[0].routes[0].retry = None;
        let rig = Rig::new(&file);
        rig.publish(&[endpoint.address]);
        let mut sender = client(rig.address).await;
        for _ in 0..3 {
            let answer = soon("an answer", sender.send_request(call("/a.B/C"))).await;
            let body = answer.unwrap().into_body();
            soon("its end", body.collect()).await.unwrap();
        }
        let route = rig.settled().await;
        assert_eq!((route.requests, route.failed), (3, 3), "empty: {empty}");
    }
}
