//! From a request's head to its route.

use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use ninefold_core::policy::deadline::GrpcTimeout;
use ninefold_core::policy::prioritizer::LEVEL_HEADER;
use ninefold_core::policy::{Cohort, Criticality, Level};

use super::answer::OwnAnswer;
use super::form::Form;
use super::headers::{BROWNOUT, CRITICALITY, DEADLINE, GRPC_TIMEOUT, forward, upgrade};
use super::intake::Intake;
use super::notable::Notable;
use super::perform::Exchange;
use super::trace::{REQUEST_ID, identify};
use super::{Client, Delivery, Ticket};
use crate::downstream::RequestBody;
use crate::http1::Added;
use crate::mirror::COPY_MAX;
use crate::plan::RoutePlan;
use crate::request_end::RequestEnd;
use crate::split::Split;
use crate::strict::{Refusal, check_parts, is_authority};
use crate::worker::Worker;

/// Serves one request. What is known of it at once is settled before the future begins, and the
/// rest is boxed: a future is moved a few times before it is polled.
pub(crate) fn serve(
    client: &Rc<Client>,
    request: Request<RequestBody>,
) -> impl Future<Output = Result<Response<Delivery>, Infallible>> + use<> {
    let mut ticket = Ticket::begin(client);
    let (mut parts, body) = request.into_parts();
    let notable = Notable::of(&parts.headers);
    let form = Form::of(&parts, notable);
    let version = parts.version;
    ticket.describe(&parts);
    let trust = client.plan().is_some_and(|plan| plan.trust_forwarded);
    let mut added = Added::new();
    let headers = &mut parts.headers;
    let (id, trace) = identify(&client.worker, headers, &mut added, trust, notable);
    ticket.identify(&id, &trace);
    let head = (&mut parts, &mut added);
    let prepared = match prepare(client, &mut ticket, head, body, notable, form) {
        Ok(prepared) => Ok(prepared.into_exchange(ticket, (parts, added), form)),
        Err(answer) => Err(refuse(&mut ticket, answer).response(form, version)),
    };
    let worker = Rc::clone(&client.worker);
    let asks = notable.any(Notable::LEVEL).then_some(client.cohort);
    async move {
        let mut response = match prepared {
            Ok(exchange) => {
                let service = exchange.service;
                let mut response = exchange.run().await;
                if let Some(cohort) = asks {
                    tell_level(&worker, service, cohort, &mut response);
                }
                response
            }
            Err(response) => response,
        };
        response.headers_mut().insert(REQUEST_ID, id);
        let stays =
            version == Version::HTTP_2 || response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if worker.sends_away() && !stays {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        Ok(response)
    }
}

/// Tells a client that asks what its service would refuse now, so that it need not send that. What
/// the service says itself goes before.
fn tell_level(worker: &Worker, service: usize, cohort: Cohort, response: &mut Response<Delivery>) {
    let gate = worker.hub.overload.get(service).and_then(Option::as_ref);
    let level = gate.map_or(Level::ALL, |gate| gate.level_for(cohort));
    if level != Level::ALL
        && let Ok(level) = HeaderValue::try_from(level.to_string())
    {
        let headers = response.headers_mut();
        headers.entry(LEVEL_HEADER).or_insert(level);
    }
}

/// Settles a request that the gateway refuses.
pub(super) fn refuse(ticket: &mut Ticket, answer: OwnAnswer) -> OwnAnswer {
    ticket.status = answer.status.as_u16();
    ticket.end(answer.end);
    answer
}

/// A request that found its route.
struct Prepared {
    route: usize,
    service: usize,
    timeout: Duration,
    /// Of that, what is kept for a fallback.
    reserve: Duration,
    impatient: bool,
    criticality: Criticality,
    intake: Option<Rc<Intake>>,
    upgrade: Option<HeaderValue>,
    idempotent: bool,
    mirror: Option<usize>,
}

impl Prepared {
    fn into_exchange(
        self,
        ticket: Ticket,
        (mut head, added): (Parts, Added),
        form: Form,
    ) -> Box<Exchange> {
        if form.is_grpc() {
            // Each attempt says what is left then.
            head.headers.remove(GRPC_TIMEOUT);
        }
        let end = tokio::time::Instant::from_std(ticket.began()) + self.timeout;
        Box::new(Exchange {
            deadline: end - self.reserve,
            end,
            service: self.service,
            idempotent: self.idempotent,
            impatient: self.impatient,
            criticality: self.criticality,
            route: self.route,
            intake: self.intake,
            upgrade: self.upgrade,
            ticket,
            head,
            added,
            form,
            mirror: self.mirror,
            is_copy: false,
            meant: None,
        })
    }
}

fn prepare(
    client: &Client,
    ticket: &mut Ticket,
    (parts, added): (&mut Parts, &mut Added),
    body: RequestBody,
    notable: Notable,
    form: Form,
) -> Result<Prepared, OwnAnswer> {
    let hub = &client.worker.hub;
    let Some(listener) = client.plan() else {
        return Err(no_route(ticket, parts));
    };
    let checked = if parts.version == Version::HTTP_2 {
        check_http2(parts, listener.limits.headers)
    } else {
        // The guard has.
        Ok(())
    };
    let host = match checked.and_then(|()| authority(parts)) {
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
    let limit = hub.limits.get(index).and_then(Option::as_ref);
    if let Some(Err(wait)) = limit.map(|limit| limit.check(client.peer.ip(), &parts.headers)) {
        return Err(too_often(wait));
    }
    let size_max = listener.limits.body_size.0;
    let length = notable.get(&parts.headers, Notable::CONTENT_LENGTH, CONTENT_LENGTH);
    if length
        .and_then(number)
        .is_some_and(|length| length > size_max)
    {
        return Err(too_large(size_max));
    }
    // Behind a body nobody could say where the other protocol begins.
    let upgrade = upgrade(parts, notable).filter(|_| body.is_ended());
    let asked = asked(&parts.headers, notable, form);
    // Anybody may say that a request matters less than the route says, but not that it matters more.
    let criticality = said_criticality(&parts.headers)
        .filter(|said| listener.trust_forwarded || said.rank() < route.criticality.rank())
        .unwrap_or(route.criticality);
    let split = hub.splits.get(index).and_then(Option::as_ref);
    let takes =
        |split: &Arc<Split>| split.takes(client.peer.ip(), &parts.headers, client.worker.unit());
    let canary = route.canary.filter(|_| split.is_some_and(takes));
    let service = canary.unwrap_or(route.service);
    forward(client, parts, added, host, notable);
    dim(client, ticket, index, parts);
    let idempotent = is_repeatable(route, &parts.method);
    let lot = || client.worker.unit();
    let mirror = route.mirror.filter(|(_, share)| lot() < *share);
    let keep_max = keep_max(route, idempotent, mirror.is_some());
    let intake = (!body.is_ended()).then(|| Intake::new(body, size_max, keep_max));
    ticket.intake.clone_from(&intake);
    let timeout = asked.map_or(route.timeout, |asked| asked.min(route.timeout));
    Ok(Prepared {
        route: index,
        service,
        timeout,
        reserve: route.reserve(timeout),
        criticality,
        impatient: asked.is_some_and(|asked| asked < route.try_timeout),
        intake,
        mirror: mirror
            .filter(|_| upgrade.is_none())
            .map(|(service, _)| service),
        upgrade,
        idempotent,
    })
}

/// The request's authority; none in HTTP/1.0 only. HTTP/2 may give it twice, and then has to give
/// the same. Heads of HTTP/1 were checked by the guard.
fn authority(parts: &Parts) -> Result<Option<HeaderValue>, OwnAnswer> {
    let refused = |detail: &str| {
        Err(OwnAnswer::new(
            StatusCode::BAD_REQUEST,
            RequestEnd::HeadRefused,
            detail,
        ))
    };
    let mut headers = parts.headers.get_all(HOST).iter();
    let header = headers.next();
    let authority = match parts.uri.authority().map(http::uri::Authority::as_str) {
        Some(authority) => HeaderValue::from_str(authority).ok(),
        None => header.cloned(),
    };
    let Some(value) = authority else {
        return match parts.version {
            Version::HTTP_2 => refused("an authority or Host is needed"),
            _ => Ok(None),
        };
    };
    let agree = header.is_none_or(|h| h.as_bytes().eq_ignore_ascii_case(value.as_bytes()));
    if !agree || headers.next().is_some() {
        return refused("the authority disagrees with Host");
    }
    if parts.version == Version::HTTP_2 && !is_authority(value.as_bytes()) {
        return refused("the authority is malformed");
    }
    Ok(Some(value))
}

/// A head of HTTP/2 is as strict and as short as one of HTTP/1.
fn check_http2(parts: &Parts, headers_max: u32) -> Result<(), OwnAnswer> {
    let headers = u32::try_from(parts.headers.len()).unwrap_or(u32::MAX);
    let checked = if headers > headers_max {
        Err(Refusal::HeadTooLarge)
    } else {
        check_parts(parts)
    };
    checked.map_err(|refusal| {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
        OwnAnswer::new(status, RequestEnd::HeadRefused, refusal.explanation())
    })
}

fn too_often(wait: Duration) -> OwnAnswer {
    let mut answer = OwnAnswer::new(
        StatusCode::TOO_MANY_REQUESTS,
        RequestEnd::RateLimited,
        "more requests than this route allows",
    );
    answer.retry_after = Some(wait);
    answer
}

fn no_route(ticket: &mut Ticket, parts: &Parts) -> OwnAnswer {
    ticket.route(None);
    OwnAnswer::new(
        StatusCode::NOT_FOUND,
        RequestEnd::NoRoute,
        format!("no route for {} {}", parts.method, parts.uri.path()),
    )
}

pub(super) fn too_large(size_max: u64) -> OwnAnswer {
    let mut answer = OwnAnswer::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        RequestEnd::BodyTooLarge,
        format!("the request body is larger than {size_max} bytes"),
    );
    answer.close = true;
    answer
}

fn number(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.parse().ok()
}

/// What a request says itself.
fn said_criticality(headers: &HeaderMap) -> Option<Criticality> {
    let text = headers.get(CRITICALITY)?.as_bytes();
    let mut all = Criticality::ALL.into_iter();
    all.find(|one| one.as_str().as_bytes() == text)
}

/// How long the client waits, if it says so.
fn asked(headers: &HeaderMap, notable: Notable, form: Form) -> Option<Duration> {
    let asked = notable
        .get(headers, Notable::DEADLINE, DEADLINE)
        .and_then(number)
        .map(Duration::from_millis);
    let call = form.is_grpc().then(|| headers.get(GRPC_TIMEOUT)).flatten();
    let call = call
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(|GrpcTimeout(time)| time);
    [asked, call].into_iter().flatten().min()
}

/// Asks for less, where the route is slow and the lot says so.
fn dim(client: &Client, ticket: &Ticket, route: usize, parts: &mut Parts) {
    if let Some(Some(dimmer)) = client.worker.hub.dimmers.get(route)
        && !dimmer.serve_optional()
    {
        ticket.dimmed();
        let headers = &mut parts.headers;
        headers.insert(BROWNOUT, HeaderValue::from_static("1"));
    }
}

/// Bytes of a body that are kept, for another attempt or for a copy.
fn keep_max(route: &RoutePlan, idempotent: bool, mirrored: bool) -> u64 {
    let again = if idempotent { route.keep_max } else { 0 };
    again.max(if mirrored { COPY_MAX } else { 0 })
}

/// Whether a request may be sent again after it may have been acted upon.
fn is_repeatable(route: &RoutePlan, method: &Method) -> bool {
    let said = route
        .retry
        .as_ref()
        .is_some_and(|retry| retry.non_idempotent);
    said || is_idempotent(method)
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
