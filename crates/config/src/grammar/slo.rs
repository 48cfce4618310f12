//! `[slo.NAME]`.

use super::{Key, Rule, Shape, Table};
use crate::model::Span;
use crate::text::Syntax;

/// One objective.
pub(crate) static SLO: Table = Table {
    title: "an SLO",
    about: "What \"up\" means for a route.",
    keys: &[
        Key::new(
            "route",
            "The route, by its name or by its path.",
            Shape::Text(Syntax::RouteReference),
        )
        .required(),
        Key::new(
            "availability",
            "The share of requests that do not fail.",
            Shape::Share,
        ),
        Key::new(
            "latency",
            "The share of answered requests that must be faster than a bound.",
            Shape::Table(&LATENCY),
        ),
        Key::new(
            "window",
            "Over which the objective is meant.",
            Shape::Duration {
                min: Span::secs(60),
                max: Span::secs(90 * 86_400),
            },
        )
        .default("\"30d\""),
    ],
    rule: Some(Rule::AtLeastOne(&["availability", "latency"])),
    later: &["freshness", "correctness", "alert", "owner"],
};

static LATENCY: Table = Table {
    title: "`latency`",
    about: "The share of answered requests that must be faster than a bound.",
    keys: &[
        Key::new("under", "The bound.", Shape::DURATION).required(),
        Key::new("share", "The share.", Shape::Share).required(),
    ],
    rule: None,
    later: &[],
};
