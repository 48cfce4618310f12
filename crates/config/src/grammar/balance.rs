//! `balance` of a service.

use super::{Key, Rule, Shape, Table};
use crate::text::Syntax;

/// The algorithms.
pub(super) const ALGORITHM: Shape = Shape::Choice(&[
    "p2c",
    "least-request",
    "round-robin",
    "prequal",
    "ring-hash",
    "maglev",
]);

/// The long form.
pub(super) static BALANCE: Table = Table {
    title: "`balance`",
    about: "Which endpoint a request goes to.",
    keys: &[
        Key::new("algorithm", "How it is chosen.", ALGORITHM).required(),
        Key::new(
            "key",
            "For `ring-hash` and `maglev`: what requests to the same endpoint have in common, the \
             client's address, the path, a header or a cookie. Requests without it are spread as \
             by `p2c`.",
            Shape::Either(&[Shape::Choice(&["client", "path"]), Shape::Table(&HASH_KEY)]),
        )
        .default("\"client\""),
        Key::new(
            "overload",
            "For `ring-hash` and `maglev`: an endpoint takes at most so much more than its even \
             share of the requests under way; others go to the next one.",
            Shape::Share,
        )
        .default("\"25%\""),
        Key::new(
            "probe",
            "For `prequal`: the path at which endpoints say how many requests they have in flight and \
             how long such a load takes, in the header `endpoint-load-metrics`. Three of them are \
             asked beside every request; as long as none says it, requests go as by `p2c`.",
            Shape::Text(Syntax::Target),
        )
        .default("\"/load\""),
    ],
    rule: None,
    later: &["choices"],
};

static HASH_KEY: Table = Table {
    title: "`key`",
    about: "What requests to the same endpoint have in common.",
    keys: &[
        Key::new(
            "header",
            "The value of this header.",
            Shape::Text(Syntax::Header),
        ),
        Key::new(
            "cookie",
            "The value of this cookie.",
            Shape::Text(Syntax::Header),
        ),
    ],
    rule: Some(Rule::ExactlyOne(&["header", "cookie"])),
    later: &["query"],
};
