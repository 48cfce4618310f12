//! A gateway of the plainest kind: round robin over ready instances, with or without a retry.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ninefold_core::status::InstanceState;
use tokio::net::{TcpListener, TcpStream};

use super::shop::{Behaviour, State};

type Shared = Arc<Mutex<State>>;

pub(crate) async fn run(listener: TcpListener, behaviour: Behaviour, state: Shared) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (behaviour, state) = (behaviour.clone(), Arc::clone(&state));
        let service = service_fn(move |request| {
            let (behaviour, state) = (behaviour.clone(), Arc::clone(&state));
            async move { Ok::<_, Infallible>(route(request, &behaviour, &state).await) }
        });
        tokio::spawn(async move {
            let io = TokioIo::new(stream);
            // The load closes its connections as it likes.
            drop(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(io, service)
                    .await,
            );
        });
    }
}

async fn route(
    request: Request<Incoming>,
    behaviour: &Behaviour,
    state: &Shared,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let mut status = behaviour.answer.unwrap_or(503);
    let mut tries = 0;
    while behaviour.answer.is_none() && tries < if behaviour.retry { 5 } else { 1 } {
        tries += 1;
        let Some(address) = next(state) else {
            break;
        };
        let attempt = attempt(&address, &head.method, head.uri.path(), body.clone());
        match tokio::time::timeout(Duration::from_secs(1), attempt).await {
            Ok(Some(answered)) => {
                status = answered;
                break;
            }
            Ok(None) | Err(_) => status = 502,
        }
    }
    count(state, status, tries);
    let mut response = Response::new(Full::new(Bytes::from_static(b"ok")));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

fn next(state: &Shared) -> Option<String> {
    let mut state = state.lock().unwrap();
    state.route.requests += 1; // Also the turn: counted down again in `count`.
    let turn = usize::try_from(state.route.requests).unwrap();
    let ready: Vec<&str> = state
        .instances
        .iter()
        .filter(|instance| instance.state == InstanceState::Ready)
        .map(|instance| instance.address.as_str())
        .collect();
    let pick = turn.checked_rem(ready.len())?;
    Some(ready[pick].to_owned())
}

fn count(state: &Shared, status: u16, tries: u64) {
    let route = &mut state.lock().unwrap().route;
    "root".clone_into(&mut route.route);
    route.requests = route.requests + 1 - tries;
    if status < 500 {
        route.ok += 1;
        route.masked += u64::from(tries > 1);
    } else {
        route.failed += 1;
    }
}

async fn attempt(address: &str, method: &Method, path: &str, body: Bytes) -> Option<u16> {
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .ok()?;
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", address)
        .body(Full::new(body))
        .unwrap();
    let response = sender.send_request(request).await.ok()?;
    let status = response.status().as_u16();
    response.into_body().collect().await.ok()?;
    Some(status)
}
