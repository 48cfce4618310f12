//! Headers that belong to one connection only, and those that a gateway adds.

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, TE, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Version, request::Parts};

use super::Client;
use super::notable::Notable;
use super::trace::{REQUEST_ID, TRACEPARENT, TRACESTATE};
use crate::http1::Added;
use crate::plan::ListenerPlan;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// The time that is left for a request, in milliseconds: sent to endpoints, and honoured from
/// clients where it is shorter than the route's own timeout.
pub(super) const CRITICALITY: HeaderName = HeaderName::from_static("x-criticality");
pub(super) const DEADLINE: HeaderName = HeaderName::from_static("x-deadline-ms");

/// The time that is left for a gRPC call.
pub(super) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
pub(crate) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
pub(super) const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
pub(super) const GRPC_PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// Who failed and in which phase, on answers made by the gateway.
pub(super) const REASON: HeaderName = HeaderName::from_static("x-ninefold-reason");

/// The fault that was injected into a request: on the attempts that it hit, and on the answer.
pub(super) const FAULT: HeaderName = HeaderName::from_static("x-ninefold-fault");

/// Tells instances to leave the optional part of their answer out (brownout).
pub(super) const BROWNOUT: HeaderName = HeaderName::from_static("x-brownout");

/// Why a fallback answered.
pub(super) const FALLBACK: HeaderName = HeaderName::from_static("x-ninefold-fallback");

/// What a client cannot have removed by naming it in `Connection`.
const KEPT: [HeaderName; 5] = [HOST, CONTENT_LENGTH, REQUEST_ID, TRACEPARENT, TRACESTATE];

/// Removes what is meant for the next hop only (RFC 9110, section 7.6.1), also what `Connection`
/// names. `Host`, `Content-Length` and the ids of the gateway stay whatever it names.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap, notable: Notable) {
    if notable.any(Notable::CONNECTION) {
        let named: Vec<HeaderName> = options(headers)
            // Mostly it says only what becomes of the connection.
            .filter(|option| !matches!(*option, b"close" | b"keep-alive"))
            .filter_map(|name| HeaderName::from_bytes(name).ok())
            .filter(|name| !KEPT.contains(name))
            .collect();
        for name in named {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    if notable.any(Notable::UPGRADE) {
        headers.remove(UPGRADE);
    }
    if notable.any(Notable::HOP_BY_HOP) {
        for name in [KEEP_ALIVE, PROXY_CONNECTION, TRANSFER_ENCODING] {
            headers.remove(name);
        }
    }
}

/// What `Connection` lists.
fn options(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    elements(headers, CONNECTION)
}

/// What a header lists, in all its lines.
fn elements(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .map(<[u8]>::trim_ascii)
}

/// The protocol that a request asks to change to, if it may be passed on.
pub(super) fn upgrade(parts: &Parts, notable: Notable) -> Option<HeaderValue> {
    let protocol = notable.get(&parts.headers, Notable::UPGRADE, UPGRADE)?;
    let asked = options(&parts.headers).any(|option| option.eq_ignore_ascii_case(b"upgrade"));
    // `h2c` would smuggle a whole connection past the gateway, wherever in the list it stands.
    let mut protocols = elements(&parts.headers, UPGRADE);
    let plain = !protocols.any(|protocol| {
        let start = protocol.first_chunk::<3>();
        start.is_some_and(|start| start.eq_ignore_ascii_case(b"h2c"))
    });
    (asked && plain && parts.version == Version::HTTP_11).then(|| protocol.clone())
}

/// Turns a client's headers into those for an endpoint, and adds the gateway's own. `host` is the
/// request's authority.
pub(super) fn forward(
    client: &Client,
    parts: &mut Parts,
    added: &mut Added,
    host: Option<HeaderValue>,
    notable: Notable,
) {
    let Some(plan) = client.plan() else { return };
    let headers = &mut parts.headers;
    let te = notable.get(headers, Notable::TE, TE);
    let trailers = te.is_some_and(names_trailers);
    strip_hop_by_hop(headers, notable);
    if notable.any(Notable::EXPECT) {
        headers.remove(EXPECT);
    }
    if notable.any(Notable::TE) {
        headers.remove(TE);
    }
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    if parts.version == Version::HTTP_2 {
        join_cookies(headers);
    }
    if notable.any(Notable::DEADLINE) {
        headers.remove(DEADLINE);
    }
    forward_client((headers, added), client, plan, host.as_ref(), notable);
    // The authority of HTTP/2 and of an absolute target; elsewhere it is from there.
    if let Some(host) = host.filter(|_| parts.uri.authority().is_some()) {
        headers.insert(HOST, host);
    }
    let via = match parts.version {
        Version::HTTP_2 => "2.0 ninefold",
        Version::HTTP_10 => "1.0 ninefold",
        _ => "1.1 ninefold",
    };
    added.put("via", HeaderValue::from_static(via));
}

/// Says whom the request comes from. What a client says itself is believed on `trust_forwarded`
/// listeners only.
fn forward_client(
    (headers, added): (&mut HeaderMap, &mut Added),
    client: &Client,
    plan: &ListenerPlan,
    host: Option<&HeaderValue>,
    notable: Notable,
) {
    let said = notable.any(Notable::FORWARDED);
    let trusted = plan.trust_forwarded && said;
    if said && !trusted {
        for name in [
            FORWARDED,
            FORWARDED_FOR,
            FORWARDED_PROTO,
            FORWARDED_HOST,
            FORWARDED_PORT,
            REAL_IP,
        ] {
            headers.remove(name);
        }
    }
    added.put("x-forwarded-for", client.address.clone());
    if !(trusted && headers.contains_key(FORWARDED_PROTO)) {
        let proto = if plan.tls { "https" } else { "http" };
        added.put("x-forwarded-proto", HeaderValue::from_static(proto));
    }
    if let Some(host) = host
        && !(trusted && headers.contains_key(FORWARDED_HOST))
    {
        added.put("x-forwarded-host", host.clone());
    }
}

/// Whether `te` lists the one thing that it may say beyond this hop (RFC 9110, section 10.1.4).
fn names_trailers(te: &HeaderValue) -> bool {
    te.as_bytes().split(|b| *b == b',').any(|element| {
        let name = element.split(|b| *b == b';').next().unwrap_or_default();
        name.trim_ascii().eq_ignore_ascii_case(b"trailers")
    })
}

/// HTTP/2 splits cookies; HTTP/1.1 wants one header (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let pieces: Vec<&[u8]> = headers
        .get_all(COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if let Ok(joined) = HeaderValue::from_bytes(&pieces.join(b"; ".as_slice())) {
        headers.insert(COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_what_connection_names_but_not_framing() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (
                "connection",
                "close, X-Secret , host,content-length, traceparent",
            ),
            ("x-secret", "1"),
            ("host", "a"),
            ("content-length", "3"),
            ("keep-alive", "5"),
            ("transfer-encoding", "chunked"),
            ("trailer", "x-sum"),
            ("traceparent", "t"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let notable = Notable::of(&headers);
        strip_hop_by_hop(&mut headers, notable);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content-length", "host", "traceparent", "trailer"]);
    }
}
