//! What keeps one trouble from becoming everybody's.

use super::{Key, Shape, Table};
use crate::model::Span;
use crate::text::Syntax;

/// `breaker` of a service.
pub(super) static BREAKER: Table = Table {
    title: "`breaker`",
    about: "Stops asking a service that fails as a whole: while it is open, requests are answered at \
            once, by the route's fallback or with 503 and `retry-after`. Single endpoints that fail \
            are what `ejection` is for.",
    keys: &[
        Key::new(
            "failure_rate",
            "It opens when at least this share of the requests within `window` failed, after all \
             their attempts.",
            Shape::Share,
        )
        .default("\"80%\""),
        Key::new(
            "minimum_calls",
            "Requests within `window` without which it stays closed.",
            Shape::Integer {
                min: 1,
                max: 1_000_000,
            },
        )
        .default("20"),
        Key::new("window", "How far back requests count.", WINDOW).default("\"5s\""),
        Key::new(
            "open_wait",
            "How long it is open before some requests try the service; twice as long each time that \
             they fail.",
            Shape::DURATION,
        )
        .default("\"1s\""),
        Key::new("open_wait_max", "The wait grows up to here; `open_wait` where that is longer.", Shape::DURATION)
            .default("\"5s\""),
        Key::new(
            "trials",
            "How many requests try the service then. It closes when four of five succeed.",
            Shape::Integer { min: 1, max: 1_000 },
        )
        .default("5"),
    ],
    rule: None,
    later: &["slow_call_rate", "slow_call_duration"],
};

const WINDOW: Shape = Shape::Duration {
    min: Span::millis(100),
    max: Span::secs(3_600),
};

/// `bulkhead` of a route.
pub(super) static BULKHEAD: Table = Table {
    title: "`bulkhead`",
    about: "How many requests of one client or tenant may be under way, so that none takes the places \
            of all others (shuffle sharding): places are in `shards`, each key has `per_key` of them, \
            and two keys hardly ever have the same ones. A request has its place from before it is \
            sent until its answer has ended. Without one it is refused: with 429 where its key uses \
            far more than others, else, as the service is too slow for all, with 503.",
    keys: &[
        Key::new(
            "key",
            "Whose requests share their places: those of a `client` address (of IPv6, its first 64 \
             bits), or those with one value of a header; those without it share, too.",
            Shape::Either(&[Shape::Choice(&["client"]), Shape::Table(&BULKHEAD_KEY)]),
        )
        .default("\"client\""),
        Key::new(
            "concurrency",
            "Requests under way in each shard: a key has at most `per_key` times as many.",
            Shape::Integer {
                min: 1,
                max: 1_000_000,
            },
        )
        .required(),
        Key::new(
            "shards",
            "How many shards there are.",
            Shape::Integer { min: 1, max: 4_096 },
        )
        .default("64"),
        Key::new(
            "per_key",
            "How many of them a key has.",
            Shape::Integer { min: 1, max: 16 },
        )
        .default("4"),
    ],
    rule: None,
    later: &["max_wait", "cookie"],
};

static BULKHEAD_KEY: Table = Table {
    title: "`key` of a bulkhead",
    about: "Requests with the same value of a header share their places.",
    keys: &[Key::new(
        "header",
        "Its name. Whoever may write it freely has as many shares as values.",
        Shape::Text(Syntax::Header),
    )
    .required()],
    rule: None,
    later: &[],
};
