//! What a route does when its service cannot answer.

use super::{Key, Rule, Shape, Table};
use crate::text::Syntax;

/// `fallback` of a route.
pub(super) static FALLBACK: Table = Table {
    title: "`fallback`",
    about: "What answers when no endpoint is up, when every attempt failed before an answer, when \
            the service is overloaded, and in place of a final 502, 503 or 504. Such an answer has \
            `x-ninefold-fallback`, with the cause.",
    keys: &[
        Key::new(
            "service",
            "Another service, for what is left of the time: one `try_timeout` of it is kept. Only \
             for requests that may be sent again.",
            Shape::Text(Syntax::Name),
        ),
        Key::new(
            "body",
            "An answer of the gateway's own, with this body.",
            Shape::Text(Syntax::Any),
        ),
        Key::new(
            "body_file",
            "An answer of the gateway's own, with the body in this file, at most 1MiB; read at the \
             start, relative to the file's folder.",
            Shape::Text(Syntax::File),
        ),
        Key::new(
            "status",
            "Of the gateway's own answer. Below 400 it is only given to GET and HEAD: nobody is to \
             believe that something was done.",
            Shape::Integer { min: 200, max: 599 },
        )
        .default("200"),
        Key::new(
            "content_type",
            "Of the gateway's own answer.",
            Shape::Text(Syntax::HeaderValue),
        )
        .default("\"text/plain; charset=utf-8\""),
    ],
    rule: Some(Rule::ExactlyOne(&["service", "body", "body_file"])),
    later: &["stale"],
};
