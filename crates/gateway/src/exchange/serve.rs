//! From a request's head to its route.

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_LENGTH, HOST};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::answer::OwnAnswer;
use super::headers::{DEADLINE, forward, upgrade};
use super::intake::Intake;
use super::perform::Exchange;
use super::ticket::{Outcome, Who};
use super::trace::{REQUEST_ID, identify};
use super::{Client, Delivery, Ticket};

/// Serves one request.
pub(crate) async fn serve(
    client: Rc<Client>,
    mut ticket: Ticket,
    request: Request<Incoming>,
) -> Result<Response<Delivery>, Infallible> {
    let (mut parts, body) = request.into_parts();
    let json = wants_json(&parts);
    let version = parts.version;
    ticket.describe(&parts);
    let trust = client.plan().is_some_and(|plan| plan.trust_forwarded);
    let (id, trace) = identify(&client.worker, &mut parts.headers, trust);
    ticket.identify(&id, &trace);
    let mut response = match prepare(&client, &mut ticket, &mut parts, body) {
        Ok(prepared) => {
            prepared
                .into_exchange(client, ticket, parts, json)
                .run()
                .await
        }
        Err(answer) => refuse(&mut ticket, answer).response(json, version),
    };
    response.headers_mut().insert(REQUEST_ID, id);
    Ok(response)
}

/// Settles a request that the gateway refuses.
pub(super) fn refuse(ticket: &mut Ticket, answer: OwnAnswer) -> OwnAnswer {
    ticket.status = answer.status.as_u16();
    ticket.settle(Outcome::Refused, Who::Client);
    answer
}

/// A request that found its route.
struct Prepared {
    route: usize,
    timeout: Duration,
    intake: Option<Rc<Intake>>,
    upgrade: Option<(HeaderValue, OnUpgrade)>,
}

impl Prepared {
    fn into_exchange(
        self,
        client: Rc<Client>,
        ticket: Ticket,
        head: Parts,
        json: bool,
    ) -> Exchange {
        Exchange {
            deadline: tokio::time::Instant::from_std(ticket.began()) + self.timeout,
            idempotent: is_idempotent(&head.method),
            route: self.route,
            intake: self.intake,
            upgrade: self.upgrade,
            client,
            ticket,
            head,
            json,
        }
    }
}

fn prepare(
    client: &Client,
    ticket: &mut Ticket,
    parts: &mut Parts,
    body: Incoming,
) -> Result<Prepared, OwnAnswer> {
    let hub = &client.worker.hub;
    let Some(listener) = client.plan() else {
        return Err(no_route(ticket, parts));
    };
    let host = match authority(parts) {
        Ok(host) => host,
        Err(answer) => {
            ticket.route(None);
            return Err(answer);
        }
    };
    let name = host
        .as_ref()
        .and_then(|host| host.to_str().ok())
        .unwrap_or("");
    let found = listener.table.find(name, parts.uri.path(), &parts.method);
    let Some((index, route)) = found.and_then(|i| hub.plan.routes.get(i).map(|r| (i, r))) else {
        return Err(no_route(ticket, parts));
    };
    ticket.route(Some(index));
    let size_max = listener.limits.body_size.0;
    if content_length(parts).is_some_and(|length| length > size_max) {
        return Err(too_large(size_max));
    }
    let upgrade = upgrade(parts).zip(parts.extensions.remove::<OnUpgrade>());
    let asked = parts
        .headers
        .get(DEADLINE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse().ok())
        .map(Duration::from_millis);
    forward(client, parts, host);
    let keep_max = route
        .retry
        .as_ref()
        .filter(|_| is_idempotent(&parts.method))
        .map_or(0, |retry| retry.body_size.0);
    let intake = (!body.is_end_stream()).then(|| Intake::new(body, size_max, keep_max));
    ticket.intake.clone_from(&intake);
    Ok(Prepared {
        route: index,
        timeout: asked.map_or(route.timeout, |asked| asked.min(route.timeout)),
        intake,
        upgrade,
    })
}

/// The request's authority. HTTP/2 may give it twice, and then has to give the same.
fn authority(parts: &Parts) -> Result<Option<HeaderValue>, OwnAnswer> {
    let header = parts.headers.get(HOST);
    let Some(authority) = parts.uri.authority().map(http::uri::Authority::as_str) else {
        return Ok(header.cloned());
    };
    let agree = header.is_none_or(|h| h.as_bytes().eq_ignore_ascii_case(authority.as_bytes()));
    match HeaderValue::from_str(authority) {
        Ok(value) if agree && !authority.contains('@') => Ok(Some(value)),
        _ => Err(OwnAnswer::new(
            StatusCode::BAD_REQUEST,
            "client/head",
            "the authority disagrees with Host",
        )),
    }
}

fn no_route(ticket: &mut Ticket, parts: &Parts) -> OwnAnswer {
    ticket.route(None);
    OwnAnswer::new(
        StatusCode::NOT_FOUND,
        "gateway/route",
        format!("no route for {} {}", parts.method, parts.uri.path()),
    )
}

pub(super) fn too_large(size_max: u64) -> OwnAnswer {
    let mut answer = OwnAnswer::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "client/body",
        format!("the request body is larger than {size_max} bytes"),
    );
    answer.close = true;
    answer
}

fn content_length(parts: &Parts) -> Option<u64> {
    parts
        .headers
        .get(CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn wants_json(parts: &Parts) -> bool {
    parts.headers.get_all(ACCEPT).iter().any(|value| {
        let value = value.as_bytes();
        value
            .windows(16)
            .any(|part| part.eq_ignore_ascii_case(b"application/json"))
    })
}

/// Methods that may be repeated without another effect (RFC 9110, section 9.2.2).
fn is_idempotent(method: &Method) -> bool {
    [
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::PUT,
        Method::DELETE,
        Method::TRACE,
    ]
    .contains(method)
}

/// Whether a status of an endpoint may be cured by another one.
pub(super) const fn is_retryable(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

/// A response's version is that of the downstream connection.
pub(super) const VERSION: Version = Version::HTTP_11;
