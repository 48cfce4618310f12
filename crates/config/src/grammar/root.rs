//! The root of the file, the cluster, this node, and the limits of fault injection.

use super::claim::CLAIM;
use super::listener::LISTENER;
use super::service::SERVICE;
use super::slo::SLO;
use super::{Key, Shape, Table};
use crate::model::{Bytes, Span};
use crate::text::Syntax;

/// The whole file.
pub(crate) static FILE: Table = Table {
    title: "the file",
    about: "What runs, how traffic reaches it, what \"up\" means, and what it must survive.",
    keys: &[
        Key::new(
            "cluster",
            "What all nodes have in common.",
            Shape::Table(&CLUSTER),
        ),
        Key::new(
            "threads",
            "Data threads of the gateway. Default: one per core.",
            Shape::Integer { min: 1, max: 1_024 },
        ),
        Key::new(
            "node",
            "What holds for this host only.",
            Shape::Table(&NODE),
        ),
        Key::new(
            "service",
            "The services by name.",
            Shape::Map {
                key: Syntax::Name,
                item: &Shape::Table(&SERVICE),
                max: 256,
            },
        ),
        Key::new(
            "listener",
            "Where traffic comes in.",
            Shape::List {
                item: &Shape::Table(&LISTENER),
                min: 0,
                max: 64,
            },
        ),
        Key::new(
            "slo",
            "The objectives by name: what \"up\" means.",
            Shape::Map {
                key: Syntax::Name,
                item: &Shape::Table(&SLO),
                max: 256,
            },
        ),
        Key::new(
            "claim",
            "What the services must survive.",
            Shape::List {
                item: &Shape::Table(&CLAIM),
                min: 0,
                max: 256,
            },
        ),
        Key::new(
            "chaos",
            "Limits on what `verify` may do here.",
            Shape::Table(&CHAOS),
        ),
    ],
    rule: None,
    later: &[
        "store",
        "region",
        "federation",
        "alert",
        "notify",
        "experiment",
    ],
};

static CLUSTER: Table = Table {
    title: "`[cluster]`",
    about: "What all nodes have in common.",
    keys: &[
        Key::new(
            "name",
            "Default: the name of the file's folder where that is a valid name, else `ninefold`.",
            Shape::Text(Syntax::Name),
        ),
        Key::new(
            "zones",
            "The failure domains that replicas are spread over, in order. Default: none.",
            Shape::List {
                item: &Shape::Text(Syntax::Name),
                min: 0,
                max: 64,
            },
        ),
        Key::new(
            "nodes",
            "How many nodes there are, `n1` and so on: which of them runs which replica follows from it. For nodes on \
             hosts of their own; `ninefold up --nodes` says it for those on one machine. Default: none, and a node \
             runs everything.",
            Shape::Integer { min: 1, max: 200 },
        ),
        Key::new(
            "regions",
            "By name, the zones that are near each other: where a zone cannot take its traffic, they \
             do before others.",
            Shape::Map {
                key: Syntax::Name,
                item: &Shape::List {
                    item: &Shape::Text(Syntax::Name),
                    min: 1,
                    max: 64,
                },
                max: 64,
            },
        ),
    ],
    rule: None,
    later: &["voters", "seeds", "racks", "gossip", "ca"],
};

static NODE: Table = Table {
    title: "`[node]`",
    about: "What holds for this host only.",
    keys: &[
        Key::new(
            "state",
            "The folder for the journal, the ledgers and captured output; relative to the file's \
             folder. Default: made from the user and the cluster's name.",
            Shape::Text(Syntax::File),
        ),
        Key::new(
            "zone",
            "The zone this node is in: traffic goes to endpoints there first. Default: none, and all \
             are equally far.",
            Shape::Text(Syntax::Name),
        ),
        Key::new(
            "rack",
            "What this node shares with others of its zone: a rack, a host of virtual machines, a power \
             feed. Nodes that fail together there are told as one failure. Default: none.",
            Shape::Text(Syntax::Name),
        ),
        Key::new(
            "admin",
            "Where the read-only admin API listens besides its unix socket: a loopback address, or \
             `off`. Default: 127.0.0.1:9900, or any free port where that is taken.",
            Shape::Text(Syntax::Admin),
        ),
        Key::new(
            "ports",
            "The ports that `{port}` is taken from, both ends included.",
            Shape::Text(Syntax::Ports),
        )
        .default("\"21000-21999\""),
        Key::new(
            "journal_size",
            "The journal's size on disk at most, over all its files.",
            DISK_SIZE,
        )
        .default("\"64MiB\""),
        Key::new(
            "log_size",
            "Captured output of one instance on disk at most.",
            DISK_SIZE,
        )
        .default("\"16MiB\""),
        Key::new(
            "drain",
            "Connections that a gateway has open which another one follows, after a reload or an \
             upgrade, are ended after this. Long for plain TCP and long streams; the next reload \
             waits for it.",
            Shape::DURATION,
        )
        .default("\"30s\""),
    ],
    rule: None,
    later: &["name", "address", "host"],
};

const DISK_SIZE: Shape = Shape::Size {
    min: Bytes(64 << 10),
    max: Bytes(1 << 40),
};

static CHAOS: Table = Table {
    title: "`[chaos]`",
    about: "Limits on what `verify` may do here.",
    keys: &[
        Key::new(
            "enabled",
            "Whether faults may be injected at all. Only `ninefold verify` injects any, and only \
             into this cluster's own instances.",
            Shape::Flag,
        )
        .default("true"),
        Key::new(
            "ttl_max",
            "No injected fault lasts longer.",
            Shape::Duration {
                min: Span::secs(1),
                max: Span::secs(86_400),
            },
        )
        .default("\"60s\""),
    ],
    rule: None,
    later: &["continuous", "schedule", "between", "at_most", "abort"],
};
