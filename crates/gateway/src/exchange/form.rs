//! How a client wants to be told what the gateway itself has to say.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{StatusCode, Version, request::Parts};

use super::notable::Notable;

/// The form of an answer that the gateway makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Json,
    /// A head with `grpc-status`, and nothing behind it ("gRPC over HTTP2", `Trailers-Only`).
    Grpc,
}

impl Form {
    /// What a request asks for.
    pub(super) fn of(parts: &Parts, notable: Notable) -> Self {
        if parts.version == Version::HTTP_2 && is_grpc(parts) {
            Self::Grpc
        } else if notable.any(Notable::ACCEPT) && accepts_json(parts) {
            Self::Json
        } else {
            Self::Text
        }
    }

    pub(super) const fn is_grpc(self) -> bool {
        matches!(self, Self::Grpc)
    }
}

fn is_grpc(parts: &Parts) -> bool {
    let kind = parts
        .headers
        .get(CONTENT_TYPE)
        .map(http::HeaderValue::as_bytes);
    let behind = kind.and_then(|kind| kind.strip_prefix(b"application/grpc"));
    behind.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

fn accepts_json(parts: &Parts) -> bool {
    parts.headers.get_all(ACCEPT).iter().any(|value| {
        let value = value.as_bytes();
        value
            .windows(16)
            .any(|part| part.eq_ignore_ascii_case(b"application/json"))
    })
}

/// The gRPC status for what a status of HTTP says when it comes from the gateway itself.
pub(super) const fn grpc_status(status: StatusCode) -> u32 {
    match status.as_u16() {
        // DEADLINE_EXCEEDED.
        408 | 504 => 4,
        // PERMISSION_DENIED.
        403 => 7,
        // RESOURCE_EXHAUSTED.
        413 | 429 | 431 => 8,
        // UNIMPLEMENTED: there is no such method here.
        404 => 12,
        // UNAVAILABLE.
        502 | 503 => 14,
        // UNAUTHENTICATED.
        401 => 16,
        // INTERNAL.
        _ => 13,
    }
}

/// A message as `grpc-message` has it: what is not printable ASCII, and `%`, by its bytes.
pub(super) fn grpc_message(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if (b' '..=b'~').contains(&byte) && byte != b'%' {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Request};

    use super::*;

    fn form(version: Version, kind: &'static str, accept: &'static str) -> Form {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.version = version;
        parts
            .headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        parts
            .headers
            .insert(ACCEPT, HeaderValue::from_static(accept));
        Form::of(&parts, Notable::of(&parts.headers))
    }

    #[test]
    fn the_form_is_what_the_request_asks_for() {
        let (one, two) = (Version::HTTP_11, Version::HTTP_2);
        for kind in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc;x=1",
        ] {
            assert_eq!(form(two, kind, "*/*"), Form::Grpc, "{kind}");
            assert_eq!(form(one, kind, "*/*"), Form::Text, "{kind}");
        }
        for kind in ["application/grpc-web", "text/plain"] {
            assert_eq!(form(two, kind, "text/html, Application/JSON"), Form::Json);
            assert_eq!(form(two, kind, "*/*"), Form::Text);
        }
    }

    #[test]
    fn messages_are_printable() {
        assert_eq!(grpc_message("50 % für x\n"), "50 %25 f%C3%BCr x%0A");
    }
}
