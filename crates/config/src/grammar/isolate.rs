//! What keeps one trouble from becoming everybody's.

use super::{Key, Shape, Table};
use crate::model::Span;

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
