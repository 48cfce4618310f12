//! Where endpoints that come and go are found.

use super::service::ENDPOINTS;
use super::{Key, Rule, Shape, Table};
use crate::model::Span;
use crate::text::Syntax;

/// `endpoints = { dns = "…" }` and the like.
pub(super) static SOURCE: Table = Table {
    title: "`endpoints`",
    about: "Where endpoints that come and go are found. An answer that is empty, or cannot be had, \
            leaves them as they are.",
    keys: &[
        Key::new(
            "dns",
            "HOST:PORT. Every IPv4 address of the host is an endpoint; where it has none, every \
             IPv6 address.",
            Shape::Text(Syntax::HostPort),
        ),
        Key::new(
            "srv",
            "The name of SRV records, as in `_http._tcp.example.org`. They have ports and weights; \
             all but those of the first priority are backups.",
            Shape::Text(Syntax::Domain),
        ),
        Key::new(
            "file",
            "A file that is watched: `ADDRESS [WEIGHT] [ZONE] [backup]` a line, or, where its name \
             ends in `.toml`, `endpoints = […]` as in the service itself. Relative to the file's \
             folder.",
            Shape::Text(Syntax::File),
        ),
        Key::new(
            "nameserver",
            "IP:PORT of whom to ask instead of the system's name servers.",
            Shape::Text(Syntax::SocketAddress),
        ),
        Key::new(
            "every",
            "After so long it is looked at again, however long records live. Default: 30s for \
             names, 1s for files.",
            EVERY,
        ),
        Key::new(
            "min_ttl",
            "A name is not looked up sooner again, however short its records live.",
            EVERY,
        )
        .default("\"1s\""),
    ],
    rule: Some(Rule::ExactlyOne(&["dns", "srv", "file"])),
    later: &["consul", "kubernetes", "zone", "family"],
};

const EVERY: Shape = Shape::Duration {
    min: Span::millis(100),
    max: Span::secs(86_400),
};

/// A watched file of endpoints.
pub(crate) static ENDPOINTS_FILE: Table = Table {
    title: "a file of endpoints",
    about: "The endpoints of one service.",
    keys: &[Key::new("endpoints", "As in the service itself.", ENDPOINTS).required()],
    rule: None,
    later: &[],
};
