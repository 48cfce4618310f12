//! Answers to what is no request.

use std::io::Write as _;

use crate::strict::Refusal;

/// A whole answer in HTTP/1.1, for clients whose request was not read.
pub(super) fn answer(refusal: Refusal, json: bool) -> Vec<u8> {
    let status = refusal.status();
    let reason = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Bad Request");
    let explanation = refusal.explanation();
    let (kind, body) = if json {
        let body = format!(
            "{{\"error\":\"{reason}\",\"reason\":\"client/head\",\"detail\":\"{explanation}\"}}\n"
        );
        ("application/json", body)
    } else {
        (
            "text/plain; charset=utf-8",
            format!("{reason}: {explanation}\n"),
        )
    };
    let mut answer = Vec::with_capacity(256);
    let written = write!(
        answer,
        "HTTP/1.1 {status} {reason}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nx-ninefold-reason: client/head\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    if written.is_err() {
        answer.clear();
    }
    answer
}

/// Whether a refused head seems to ask for JSON.
pub(super) fn wants_json(head: &[u8]) -> bool {
    const JSON: &[u8] = b"application/json";
    head.windows(JSON.len())
        .any(|window| window.eq_ignore_ascii_case(JSON))
}
