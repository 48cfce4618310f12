//! `[[claim]]`.

use super::{Key, Rule, Shape, Table};
use crate::text::Syntax;

/// One claim.
pub(crate) static CLAIM: Table = Table {
    title: "a claim",
    about: "What the services must survive, and under which load that is tried.",
    keys: &[
        Key::new(
            "name",
            "A sentence; unique in the file.",
            Shape::Text(Syntax::Sentence),
        )
        .required(),
        Key::new("survive", "The fault.", Shape::Table(&SURVIVE)).required(),
        Key::new(
            "service",
            "On whose instances the fault falls; one of zones or nodes falls on all supervised services. \
             Default: the service behind the SLO's route.",
            Shape::Text(Syntax::Name),
        ),
        Key::new(
            "slo",
            "The SLO whose route is watched.",
            Shape::Text(Syntax::Name),
        )
        .required(),
        Key::new(
            "available",
            "The least share of requests that succeed from the fault to recovery.",
            Shape::Share,
        )
        .required(),
        Key::new(
            "recover",
            "From the fault until every instance is ready again, and every node is there, at most; of \
             `gray`, `errors`, `resets`, `wrong_answers` and `partition`, which last, until the traffic \
             keeps away from those that they are done to.",
            Shape::DURATION,
        ),
        Key::new(
            "lose",
            "Acknowledged writes that may be lost. Needs `load.check`.",
            Shape::Integer {
                min: 0,
                max: 1_000_000,
            },
        ),
        Key::new(
            "load",
            "The open-loop load that the claim is tried under.",
            Shape::Table(&LOAD),
        ),
    ],
    rule: None,
    later: &["latency", "regions", "partition", "during"],
};

static SURVIVE: Table = Table {
    title: "`survive`",
    about: "The fault of a claim.",
    keys: &[
        Key::new(
            "instances",
            "So many instances of the service are killed with SIGKILL at once.",
            COUNT,
        ),
        Key::new("hang", "So many instances are stopped with SIGSTOP.", COUNT),
        Key::new(
            "zones",
            "Every instance of so many zones is killed with SIGKILL at once; on a cluster of nodes, the \
             nodes of these zones with all that they run.",
            COUNT,
        ),
        Key::new(
            "nodes",
            "So many nodes die at once: Ninefold there, and every process of its instances, by SIGKILL. \
             Needs a cluster of nodes, as of `up --nodes`.",
            COUNT,
        ),
        Key::new(
            "partition",
            "So many nodes are cut off from all others. Needs a cluster of nodes on one machine, root and \
             nftables.",
            COUNT,
        ),
        Key::new(
            "one_way",
            "Of a partition: the others do not hear those that are cut off, which hear the others.",
            Shape::Flag,
        )
        .default("false"),
        Key::new(
            "gray",
            "Attempts at so many instances begin a second later, by a fault in the gateway: slow for \
             clients, and well by their probes.",
            COUNT,
        ),
        Key::new(
            "errors",
            "Half of the attempts at so many instances are answered with 500, by a fault in the gateway.",
            COUNT,
        ),
        Key::new(
            "resets",
            "Half of the attempts at so many instances end with a broken connection instead of the \
             answer, by a fault in the gateway: what they were asked to do is done.",
            COUNT,
        ),
        Key::new(
            "wrong_answers",
            "The body of every answer of so many instances is another one, by a fault in the gateway. It \
             holds if they are found to be wrong and put into quarantine, and no wrong answer reaches a \
             caller after that; one that does before counts as failed. Needs `answers` on a route.",
            COUNT,
        ),
    ],
    rule: Some(Rule::ExactlyOne(&[
        "instances",
        "hang",
        "zones",
        "nodes",
        "partition",
        "gray",
        "errors",
        "resets",
        "wrong_answers",
    ])),
    later: &["hosts", "regions", "latency", "loss", "disk_full", "leader"],
};

const COUNT: Shape = Shape::Integer { min: 1, max: 256 };

static LOAD: Table = Table {
    title: "`load`",
    about: "The open-loop load that a claim is tried under.",
    keys: &[
        Key::new("rate", "Intended requests.", Shape::Rate { max: 100_000 }).default("\"100/s\""),
        Key::new(
            "requests",
            "Taken in turn. Default: one GET on the route's path.",
            Shape::List {
                item: &Shape::Table(&REQUEST),
                min: 1,
                max: 64,
            },
        ),
        Key::new(
            "check",
            "A path with `{id}`. After a trial it is fetched for the id of every acknowledged \
             request that used `{id}`; a 404 is a lost write.",
            Shape::Text(Syntax::Target),
        ),
    ],
    rule: None,
    later: &["clients", "ramp"],
};

static REQUEST: Table = Table {
    title: "a request of a load",
    about: "One request. `{id}` in path or body becomes an id that is unique in the run.",
    keys: &[
        Key::new("method", "The method.", Shape::Text(Syntax::Method)).default("\"GET\""),
        Key::new(
            "path",
            "The path, with a query if wanted.",
            Shape::Text(Syntax::Target),
        )
        .required(),
        Key::new(
            "headers",
            "Headers by name.",
            Shape::Map {
                key: Syntax::Header,
                item: &Shape::Text(Syntax::HeaderValue),
                max: 64,
            },
        ),
        Key::new("body", "The body. Default: none.", Shape::Text(Syntax::Any)),
    ],
    rule: None,
    later: &["weight", "expect"],
};
