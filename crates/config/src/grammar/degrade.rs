//! What a route does when its service cannot answer.

use super::{Key, Rule, Shape, Table};
use crate::model::Bytes;
use crate::text::Syntax;

/// `fallback` of a route.
pub(super) static FALLBACK: Table = Table {
    title: "`fallback`",
    about: "What answers when no endpoint is up, when every attempt failed before an answer, when \
            the service is overloaded or its breaker is open, and in place of a final 502, 503 or 504. Such an answer has \
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

/// `cache` of a route.
pub(super) static CACHE: Table = Table {
    title: "`cache`",
    about: "Answers to GET that are kept in memory, as RFC 9111 allows it: never those that are \
            private, set a cookie, or answer a cookie or credentials without `public` or \
            `s-maxage`. Requests for the same wait for one. `cache-status` says what it did.",
    keys: &[
        Key::new(
            "size",
            "Of all that is kept; what nobody asks for goes first.",
            Shape::Size {
                min: Bytes(64 << 10),
                max: Bytes(64 << 30),
            },
        )
        .default("\"64MiB\""),
        Key::new(
            "body_size",
            "A larger body passes by; never more than an eighth of `size`, nor 2MiB.",
            Shape::Size {
                min: Bytes(1 << 10),
                max: Bytes(2 << 20),
            },
        )
        .default("\"1MiB\""),
        Key::new(
            "fresh",
            "How long a 200 that says nothing of it is used like a new one. What an answer says \
             goes before this and the keys below.",
            Shape::DURATION_OR_ZERO,
        )
        .default("\"0s\""),
        Key::new(
            "stale_while_revalidate",
            "How long after that it is used while a new one is fetched.",
            Shape::DURATION_OR_ZERO,
        )
        .default("\"10s\""),
        Key::new(
            "stale_if_error",
            "How long after its freshness it is used when the service fails or answers with a 500 \
             or above.",
            Shape::DURATION_OR_ZERO,
        )
        .default("\"1h\""),
    ],
    rule: None,
    later: &["key", "methods"],
};

/// `split` of a route.
pub(super) static SPLIT: Table = Table {
    title: "`split`",
    about: "A canary: another service that gets a share of the requests, until it certainly fails \
            more often than the route's own service.",
    keys: &[
        Key::new("service", "The canary.", Shape::Text(Syntax::Name)).required(),
        Key::new(
            "share",
            "Of the requests; where they stick, of those who stick.",
            Shape::Share,
        )
        .required(),
        Key::new(
            "sticky",
            "Whose requests go to the same service: those of a `client` address, or those with one \
             value of a header or a cookie. Default: each request by itself.",
            Shape::Either(&[Shape::Choice(&["client"]), Shape::Table(&STICKY)]),
        ),
        Key::new(
            "roll_back",
            "Whether a canary that certainly fails more often gets nothing more, until the file \
             says something else.",
            Shape::Flag,
        )
        .default("true"),
    ],
    rule: None,
    later: &["weight"],
};

/// `mirror` of a route.
pub(super) static MIRROR: Table = Table {
    title: "`mirror`",
    about: "Copies of requests for another service, marked by `x-mirrored`. Nobody waits for its \
            answers, and nothing that it does counts for the route.",
    keys: &[
        Key::new("service", "Which gets them.", Shape::Text(Syntax::Name)).required(),
        Key::new("share", "Of the requests.", Shape::Share).default("\"100%\""),
    ],
    rule: None,
    later: &["body_size", "header"],
};

/// `brownout` of a route.
pub(super) static BROWNOUT: Table = Table {
    title: "`brownout`",
    about: "A share of the requests, as large as the latency demands, has `x-brownout: 1`, by which \
            instances are told to leave the optional part of their answers out.",
    keys: &[
        Key::new(
            "target",
            "What the 95th percentile of the route's answers is held at.",
            Shape::DURATION,
        )
        .required(),
        Key::new(
            "min_share",
            "Of the requests that always get the optional part, below 100%.",
            Shape::Share,
        )
        .default("\"0%\""),
    ],
    rule: None,
    later: &["period", "gains", "quantile"],
};

static STICKY: Table = Table {
    title: "`sticky`",
    about: "Requests with the same value go to the same service; those without one by their client.",
    keys: &[
        Key::new(
            "header",
            "The name of a header.",
            Shape::Text(Syntax::Header),
        ),
        Key::new(
            "cookie",
            "The name of a cookie.",
            Shape::Text(Syntax::Header),
        ),
    ],
    rule: Some(Rule::ExactlyOne(&["header", "cookie"])),
    later: &[],
};
