//! Probes over HTTP/2 without TLS: a GET, and gRPC's own health check. Each has a connection of its own,
//! as those over HTTP/1.1 have.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ninefold_core::observation::ProbeOutcome;
use tokio::task::JoinSet;

use super::check::Attempt;
use super::grpc::{self, ServingStatus};
use super::http::degraded;
use super::line::Line;

/// An answer of a health check is a few bytes.
const ANSWER_MAX: usize = 1_024;

/// Asks for `path` and judges the answer's head; its body is not read.
pub(crate) async fn get(stream: Line, authority: &str, path: &str) -> Attempt {
    let request = Request::get(format!("http://{authority}{path}"));
    let request = request.header(http::header::USER_AGENT, USER_AGENT);
    let asked = match request.body(Full::default()) {
        Ok(request) => ask(stream, request).await.map(|(head, _)| head),
        Err(error) => Err(error.to_string()),
    };
    match asked {
        Ok(answer) => match answer.status().as_u16() {
            200..400 => Attempt {
                degraded: degraded(answer.headers()),
                ..Attempt::passed()
            },
            status => refused(format!("status {status}")),
        },
        Err(error) => unreachable(error),
    }
}

/// Asks how `service` is, or the whole server where it is empty (`grpc.health.v1.Health/Check`).
pub(crate) async fn check(stream: Line, authority: &str, service: &str) -> Attempt {
    let request = Request::post(format!("http://{authority}{}", grpc::CHECK))
        .header(http::header::CONTENT_TYPE, "application/grpc")
        .header(http::header::TE, "trailers")
        .header(http::header::USER_AGENT, USER_AGENT)
        .body(Full::new(grpc::question(service)));
    let request = match request {
        Ok(request) => request,
        Err(error) => return unreachable(error.to_string()),
    };
    let (answer, _connection) = match ask(stream, request).await {
        Ok(answer) => answer,
        Err(error) => return unreachable(error),
    };
    let (head, body) = answer.into_parts();
    if head.status != http::StatusCode::OK {
        return refused(format!("status {}", head.status.as_u16()));
    }
    // Without a message all is said in the head.
    if let Some(failed) = failed(&head.headers) {
        return refused(failed);
    }
    let collected = match Limited::new(body, ANSWER_MAX).collect().await {
        Ok(collected) => collected,
        Err(error) => return unreachable(error.to_string()),
    };
    if let Some(failed) = collected.trailers().and_then(failed) {
        return refused(failed);
    }
    match grpc::answer(&collected.to_bytes()) {
        Some(ServingStatus::Serving) => Attempt::passed(),
        Some(other) => refused(other.name().to_owned()),
        None => refused("no answer of a health check".to_owned()),
    }
}

const USER_AGENT: &str = "ninefold-probe";

/// The status of a call, unless it is OK.
fn failed(headers: &HeaderMap) -> Option<String> {
    let status = headers.get("grpc-status")?.to_str().unwrap_or("?");
    (status != "0").then(|| match status {
        "5" => "grpc-status 5: it knows no such service".to_owned(),
        "12" => "grpc-status 12: it has no grpc.health.v1.Health".to_owned(),
        other => format!("grpc-status {other}"),
    })
}

fn refused(why: String) -> Attempt {
    Attempt::heard(ProbeOutcome::Refused(why))
}

fn unreachable(why: String) -> Attempt {
    Attempt::heard(ProbeOutcome::Unreachable(why))
}

/// The answer, and the connection, which ends when it is dropped.
async fn ask(
    stream: Line,
    request: Request<Full<Bytes>>,
) -> Result<(Response<Incoming>, JoinSet<()>), String> {
    let shaken = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(|error| error.to_string())?;
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        // What goes wrong, whoever asks sees.
        connection.await.ok();
    });
    let answer = sender.send_request(request).await;
    let answer = answer.map_err(|error| error.to_string())?;
    Ok((answer, driver))
}
