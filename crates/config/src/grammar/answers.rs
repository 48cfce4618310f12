//! How it is checked that answers are right.

use super::{Key, Rule, Shape, Table};
use crate::model::Span;
use crate::text::Syntax;

/// Canaries of a route at most.
const CANARIES_MAX: usize = 8;

/// Paths of one route's answers that do not count, at most.
const IGNORED_MAX: usize = 32;

/// `answers` of a route.
pub(super) static ANSWERS: Table = Table {
    title: "`answers`",
    about: "How it is checked that answers are right. An instance that answers wrongly, while others \
            answer rightly, is put into quarantine: it gets no more requests and is not restarted, \
            until a person or a new process ends that.",
    keys: &[
        Key::new(
            "canary",
            "Requests with known answers, asked of every instance that is ready, by the node that \
             probes it. Wrong twice in a row, or two of them at once, convicts, where as many others \
             answer rightly.",
            Shape::Either(&[
                Shape::Table(&CANARY),
                Shape::List {
                    item: &Shape::Table(&CANARY),
                    min: 1,
                    max: CANARIES_MAX,
                },
            ]),
        ),
        Key::new(
            "vote",
            "A share of the requests is asked of two other instances as well, and the answers are \
             compared. Alone against two that agree in 3 of its last 10 votes convicts.",
            Shape::Table(&VOTE),
        ),
        Key::new(
            "ignore",
            "Members of JSON that do not count, as in `[\"$.time\", \"$.items[*].age\"]`. Otherwise \
             JSON is compared whatever the order of its members, and anything else byte by byte.",
            Shape::List {
                item: &Shape::Text(Syntax::JsonPath),
                min: 1,
                max: IGNORED_MAX,
            },
        ),
    ],
    rule: Some(Rule::AtLeastOne(&["canary", "vote"])),
    later: &["headers", "quorum", "body_size"],
};

static CANARY: Table = Table {
    title: "a canary",
    about: "A request with a known answer, marked by `x-ninefold-check: canary`. It counts for no \
            objective, breaker or ejection. No answer, and one of 429, 500 or above, is no wrong one: \
            that is for probes and callers to find.",
    keys: &[
        Key::new(
            "path",
            "GET this, within the route's `path`.",
            Shape::Text(Syntax::Target),
        )
        .required(),
        Key::new("expect", "What comes back.", Shape::Table(&EXPECT)).required(),
        Key::new(
            "every",
            "From one try to the next; soon again after a wrong answer.",
            Shape::Duration {
                min: Span::millis(100),
                max: Span::secs(86_400),
            },
        )
        .default("\"5s\""),
        Key::new(
            "timeout",
            "For the whole answer; at most `every`. Default: 1s, or `every` where that is shorter.",
            Shape::DURATION,
        ),
    ],
    rule: None,
    later: &["method", "headers", "body"],
};

static EXPECT: Table = Table {
    title: "`expect`",
    about: "A known answer.",
    keys: &[
        Key::new(
            "status",
            "Its status.",
            Shape::Integer { min: 200, max: 499 },
        )
        .default("200"),
        Key::new(
            "body",
            "Its body, at most 64KiB. Where the answer is JSON it is compared as JSON.",
            Shape::Text(Syntax::Any),
        ),
        Key::new(
            "body_sha256",
            "The SHA-256 of its body's bytes, as `sha256sum` prints it.",
            Shape::Text(Syntax::Sha256),
        ),
    ],
    rule: Some(Rule::ExactlyOne(&["body", "body_sha256"])),
    later: &["headers", "body_file"],
};

static VOTE: Table = Table {
    title: "`vote`",
    about: "Copies of requests, marked by `x-ninefold-check: vote`, for two other instances that are \
            ready: of GET requests without a body that were answered with 2xx and at most 64KiB, and \
            ask for no range. Standbys and backups are not asked. Nobody waits for them, and they count for nothing else.",
    keys: &[
        Key::new("share", "Of the requests.", Shape::Share).default("\"1%\""),
        Key::new(
            "credentials",
            "Whether requests with credentials or cookies are copied, too.",
            Shape::Flag,
        )
        .default("false"),
    ],
    rule: None,
    later: &["methods", "voters"],
};
