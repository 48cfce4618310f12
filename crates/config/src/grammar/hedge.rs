//! When a route asks a second instance.

use super::{Key, Shape, Table};

/// `hedge` of a route.
pub(super) static HEDGE: Table = Table {
    title: "`hedge`",
    about: "Asks a second instance when the first is slower than most requests are; the first good \
            answer is taken and the other attempt given up. Only for requests without a body that may \
            be repeated, and out of the retry budget.",
    keys: &[
        Key::new(
            "quantile",
            "Requests that are slower than this share of all are hedged: 50% to 99.9%.",
            Shape::Share,
        )
        .default("\"95%\""),
        Key::new(
            "min_delay",
            "No hedge sooner, however quick the requests are.",
            Shape::DURATION,
        )
        .default("\"1ms\""),
        Key::new(
            "max_delay",
            "No hedge later, however slow the requests are.",
            Shape::DURATION,
        )
        .default("\"10s\""),
        Key::new(
            "samples",
            "Answers within 10 s before anything is hedged.",
            Shape::Integer {
                min: 1,
                max: 1_000_000,
            },
        )
        .default("100"),
    ],
    rule: None,
    later: &["max_hedges", "window"],
};
