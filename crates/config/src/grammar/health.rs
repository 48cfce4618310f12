//! `health` and its probes.

use super::{Key, Rule, Shape, Table};
use crate::text::Syntax;

/// A command: the program and its arguments.
pub(super) const COMMAND: Shape = Shape::List {
    item: &Shape::Text(Syntax::Argument),
    min: 1,
    max: 256,
};

/// The three probes.
pub(crate) static HEALTH: Table = Table {
    title: "`health`",
    about: "The three probes, with the semantics of Kubernetes: until `startup` has passed once, \
            the others are not tried; `ready` decides about traffic; `live` restarts.",
    keys: &[
        Key::new("startup", "Gates the others; its failure restarts.", PROBE),
        Key::new(
            "ready",
            "Decides about traffic. Without it an instance is ready once its startup probe passed, \
             or, without that too, once its address accepts a connection. An answer that passes and \
             has the header `x-degraded` says that others should be asked first.",
            PROBE,
        ),
        Key::new("live", "Its failure restarts.", PROBE),
    ],
    rule: None,
    later: &["passive", "deep", "canary"],
};

const PROBE: Shape = Shape::Either(&[Shape::Text(Syntax::ShortProbe), Shape::Table(&PROBE_TABLE)]);

static PROBE_TABLE: Table = Table {
    title: "a probe",
    about: "One probe. A text beginning with `/` is short for `{ http = \"…\" }`, `tcp` for a TCP \
            probe.",
    keys: &[
        Key::new(
            "http",
            "GET this path on the instance's address, by the service's `protocol`; 200 to 399 passes.",
            Shape::Text(Syntax::Target),
        ),
        Key::new(
            "grpc",
            "gRPC's own health check, `grpc.health.v1.Health/Check`: SERVING passes. The service that \
             is asked for, or `true` for the whole server.",
            Shape::Either(&[Shape::Text(Syntax::GrpcService), Shape::True]),
        ),
        Key::new("tcp", "Connect to the instance's address.", Shape::True),
        Key::new(
            "exec",
            "Run this command in the instance's environment; exit status 0 passes. Placeholders as \
             in `run`.",
            COMMAND,
        ),
        Key::new(
            "every",
            "From the start of one try to the start of the next, ±10 % of jitter.",
            Shape::Duration {
                min: crate::model::Span::millis(10),
                max: crate::model::Span::secs(86_400),
            },
        )
        .default("\"1s\""),
        Key::new(
            "timeout",
            "For one try; at most `every`. Default: 1s, or `every` where that is shorter.",
            Shape::DURATION,
        ),
        Key::new(
            "failures",
            "In a row until the probe counts as failed. Default: 3; 30 for `startup`.",
            COUNT,
        ),
        Key::new(
            "successes",
            "In a row until the probe counts as passed again.",
            COUNT,
        )
        .default("1"),
    ],
    rule: Some(Rule::ExactlyOne(&["http", "grpc", "tcp", "exec"])),
    later: &["status", "body", "headers"],
};

const COUNT: Shape = Shape::Integer { min: 1, max: 1_000 };
