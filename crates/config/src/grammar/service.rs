//! `[service.NAME]`.

use super::balance::{ALGORITHM, BALANCE};
use super::health::{COMMAND, HEALTH};
use super::isolate::BREAKER;
use super::source::SOURCE;
use super::{Key, Rule, Shape, Table};
use crate::text::Syntax;

/// One service.
pub(crate) static SERVICE: Table = Table {
    title: "a service",
    about: "A service that Ninefold starts (`run`), or only routes to (`endpoints`).",
    keys: &[
        Key::new(
            "run",
            "Program and arguments. `{address}` (IP:PORT), `{host}`, `{port}`, `{service}`, \
             `{instance}`, `{ordinal}`, `{zone}` and `{address.NAME}` (the first listener that \
             routes to service NAME) are filled in. A program with a `/` that is not absolute is \
             relative to the file's folder.",
            COMMAND,
        ),
        Key::new(
            "endpoints",
            "Where a service that something else runs is reached: its endpoints, or where those \
             that come and go are found. A text is short for `{ address = \"…\" }`.",
            Shape::Either(&[ENDPOINTS, Shape::Table(&SOURCE)]),
        ),
        Key::new(
            "prepare",
            "A command that must succeed before the first start, once per `up`: a build, a \
             migration. The same command of several services runs once.",
            COMMAND,
        )
        .needs("run"),
        Key::new("replicas", "How many instances run.", COUNT)
            .default("1")
            .needs("run"),
        Key::new(
            "redundancy",
            "How replicas share the work: all ready ones take traffic (`active-active`), or the \
             ready one with the lowest ordinal takes all of it (`active-passive`).",
            Shape::Either(&[REDUNDANCY_MODE, Shape::Table(&REDUNDANCY)]),
        )
        .default("\"active-active\"")
        .needs("run"),
        Key::new(
            "spread",
            "Over which failure domain replicas are spread. Default: `zone` if the cluster has \
             zones, else `none`.",
            Shape::Choice(&["none", "zone"]),
        )
        .needs("run"),
        Key::new(
            "max_per_zone",
            "Replicas in one zone at most. Default: no limit but evenness.",
            COUNT,
        )
        .needs("run"),
        Key::new(
            "min_ready",
            "Instances without which the service is out; \"failures left\" counts down to it.",
            COUNT,
        )
        .default("1")
        .needs("run"),
        Key::new(
            "directory",
            "The working directory. Default: the file's folder.",
            Shape::Text(Syntax::File),
        )
        .needs("run"),
        Key::new(
            "env",
            "Added to the environment. Placeholders as in `run`.",
            Shape::Map {
                key: Syntax::Variable,
                item: &Shape::Text(Syntax::Argument),
                max: 256,
            },
        )
        .needs("run"),
        Key::new(
            "env_file",
            "A file with `NAME=value` lines, read at each start; `env` overrides it.",
            Shape::Text(Syntax::File),
        )
        .needs("run"),
        Key::new(
            "user",
            "The user to run as, if Ninefold runs as root.",
            Shape::Text(Syntax::User),
        )
        .needs("run"),
        Key::new(
            "version",
            "The program's version, where its command does not tell one from the next. Another one \
             replaces the instances, one at a time; failures that begin together in one version are \
             told as one.",
            Shape::Text(Syntax::Version),
        )
        .needs("run"),
        Key::new("stop", "How an instance is stopped.", Shape::Table(&STOP)).needs("run"),
        Key::new("restart", "What follows an exit.", Shape::Table(&RESTART)).needs("run"),
        Key::new("health", "The three probes.", Shape::Table(&HEALTH)),
        Key::new(
            "ejection",
            "When live traffic takes an endpoint out of rotation.",
            Shape::Table(&EJECTION),
        ),
        Key::new(
            "overload",
            "How many requests may be under way at the service, found by their latency, and what \
             becomes of the others: they wait in a short queue, the more critical first, and are \
             refused early. `off` for services whose latency says nothing of their load, such as \
             long polls.",
            Shape::Either(&[Shape::Off, Shape::Table(&OVERLOAD)]),
        ),
        Key::new(
            "breaker",
            "When the service as a whole is no longer asked for a while. `{}` takes the defaults. \
             Default: never.",
            Shape::Either(&[Shape::Off, Shape::Table(&BREAKER)]),
        ),
        Key::new(
            "balance",
            "Which endpoint a request goes to: the better of two drawn at random by latency and \
             load (`p2c`), or by requests under way (`least-request`), each in turn (`round-robin`), by \
             what endpoints say of their load (`prequal`), or the same one for the same key (`ring-hash`, `maglev`).",
            Shape::Either(&[ALGORITHM, Shape::Table(&BALANCE)]),
        )
        .default("\"p2c\""),
        Key::new(
            "when_too_few",
            "When fewer endpoints are in rotation than `panic_threshold` wants, or none: all take \
             traffic, ejected and not ready ones that run too (`fail-open`), requests are refused \
             at once (`fail-fast`), or those in rotation go on, and ejected ones come back when \
             none is left (`degraded`).",
            Shape::Choice(&["fail-open", "fail-fast", "degraded"]),
        )
        .default("\"degraded\""),
        Key::new(
            "panic_threshold",
            "The share of a service's endpoints below which they are too few.",
            Shape::Share,
        )
        .default("\"0%\""),
        Key::new(
            "local_first",
            "Where the node has a `zone`: requests go to endpoints of that zone, as far as it has \
             enough of them and they are not overloaded, then of its region, then elsewhere. `off` \
             makes all equally far.",
            Shape::Either(&[Shape::Off, Shape::Table(&LOCAL_FIRST)]),
        ),
        Key::new(
            "slow_start",
            "How long a newcomer's share of traffic grows from 10 % to full.",
            Shape::DURATION_OR_ZERO,
        )
        .default("\"0s\""),
        Key::new(
            "connections",
            "Connections to each endpoint at most, over all data threads; idle ones count. What finds \
             none free tries another endpoint. Default: as many as it takes.",
            Shape::Integer { min: 1, max: 1_000_000 },
        ),
        Key::new(
            "connect_timeout",
            "For one attempt to connect.",
            Shape::DURATION,
        )
        .default("\"500ms\""),
        Key::new(
            "protocol",
            "What the instances speak. `http2` is needed for gRPC; without `tls` it is spoken at \
             once (prior knowledge, h2c).",
            Shape::Choice(&["http1", "http2"]),
        )
        .default("\"http1\""),
        Key::new(
            "tls",
            "TLS towards the instances. An empty table believes the authorities of this host.",
            Shape::Either(&[Shape::Off, Shape::Table(&TLS)]),
        ),
    ],
    rule: Some(Rule::ExactlyOne(&["run", "endpoints"])),
    later: &[
        "bulkhead",
        "driver",
        "rto",
        "rpo",
        "criticality",
        "depends_on",
        "resources",
        "cpu",
        "memory",
        "canary",
        "rollout",
        "drain",
    ],
};

/// The endpoints of a service.
pub(super) const ENDPOINTS: Shape = Shape::List {
    item: &Shape::Either(&[Shape::Text(Syntax::Endpoint), Shape::Table(&ENDPOINT)]),
    min: 1,
    max: ENDPOINTS_MAX,
};

/// Endpoints of one service at most.
pub(crate) const ENDPOINTS_MAX: usize = 1_024;

const COUNT: Shape = Shape::Integer { min: 1, max: 256 };

const REDUNDANCY_MODE: Shape = Shape::Choice(&["active-active", "active-passive"]);

static REDUNDANCY: Table = Table {
    title: "`redundancy`",
    about: "How replicas share the work.",
    keys: &[Key::new("mode", "Who takes traffic.", REDUNDANCY_MODE).required()],
    rule: None,
    later: &["standby", "commit", "quorum", "lease", "failover"],
};

static ENDPOINT: Table = Table {
    title: "an endpoint",
    about: "One endpoint of a service that something else runs.",
    keys: &[
        Key::new(
            "address",
            "HOST:PORT, or `unix:/PATH` for a Unix socket. A host name is resolved at start.",
            Shape::Text(Syntax::Endpoint),
        )
        .required(),
        Key::new(
            "zone",
            "The failure domain it is in.",
            Shape::Text(Syntax::Name),
        ),
        Key::new(
            "weight",
            "Its share of traffic beside the others'.",
            Shape::Integer { min: 1, max: 100 },
        )
        .default("1"),
        Key::new(
            "backup",
            "It takes traffic only while no other endpoint is in rotation.",
            Shape::Flag,
        )
        .default("false"),
    ],
    rule: None,
    later: &["priority", "tls", "region"],
};

static TLS: Table = Table {
    title: "`tls` of a service",
    about: "TLS towards the instances; the files are read again when they change.",
    keys: &[
        Key::new(
            "ca",
            "A PEM file with the authorities that are believed, relative to the file's folder. \
             Default: those of this host.",
            Shape::Text(Syntax::File),
        ),
        Key::new(
            "certificate",
            "A PEM file with the gateway's own chain, leaf first, for instances that ask for one \
             (mutual TLS).",
            Shape::Text(Syntax::File),
        )
        .needs("key"),
        Key::new(
            "key",
            "A PEM file with the private key of `certificate`.",
            Shape::Text(Syntax::File),
        )
        .needs("certificate"),
        Key::new(
            "server_name",
            "Whose certificate is expected, and the name that is asked for (SNI). Default: the \
             endpoint's host as the file has it.",
            Shape::Text(Syntax::Host),
        ),
    ],
    rule: None,
    later: &["insecure", "versions", "ciphers"],
};

static LOCAL_FIRST: Table = Table {
    title: "`local_first`",
    about: "How traffic stays in the node's zone.",
    keys: &[Key::new(
        "spill_below",
        "A zone takes all of its own traffic as long as so much of its even share of endpoints is in \
         rotation there. At 70%, an endpoint takes up to 1.4 times its even share of all traffic \
         before some of it leaves the zone.",
        Shape::Share,
    )
    .default("\"70%\"")],
    rule: None,
    later: &["latency", "traffic"],
};

static STOP: Table = Table {
    title: "`stop`",
    about: "How an instance is stopped: no new requests, `drain`, the signal, `grace`, SIGKILL.",
    keys: &[
        Key::new(
            "signal",
            "With or without `SIG`.",
            Shape::Text(Syntax::Signal),
        )
        .default("\"SIGTERM\""),
        Key::new(
            "grace",
            "From the signal to SIGKILL.",
            Shape::DURATION_OR_ZERO,
        )
        .default("\"10s\""),
        Key::new(
            "drain",
            "At most this long its requests in flight may end before the signal.",
            Shape::DURATION_OR_ZERO,
        )
        .default("\"5s\""),
    ],
    rule: None,
    later: &["command", "hook"],
};

static RESTART: Table = Table {
    title: "`restart`",
    about: "What follows an exit.",
    keys: &[
        Key::new(
            "backoff_min",
            "The first wait, with jitter.",
            Shape::DURATION,
        )
        .default("\"100ms\""),
        Key::new("backoff_max", "Waits double up to here.", Shape::DURATION).default("\"30s\""),
        Key::new(
            "budget",
            "Restarts within `within` before it counts as a crash loop.",
            Shape::Integer { min: 1, max: 1_000 },
        )
        .default("5"),
        Key::new("within", "The window of `budget`.", Shape::DURATION).default("\"1m\""),
        Key::new(
            "crash_loop_every",
            "How often a crash loop is retried.",
            Shape::DURATION,
        )
        .default("\"30s\""),
    ],
    rule: None,
    later: &["policy", "hook"],
};

static OVERLOAD: Table = Table {
    title: "`overload`",
    about: "How many requests may be under way at a service, and what becomes of the others.",
    keys: &[
        Key::new(
            "initial_limit",
            "Requests under way before anything is learnt. A limit that is far from used comes \
             closer: to 64, or eight times of what is under way.",
            LIMIT,
        )
        .default("256"),
        Key::new("min_limit", "The limit is never lower.", LIMIT).default("8"),
        Key::new("max_limit", "The limit is never higher.", LIMIT).default("10000"),
        Key::new(
            "max_waiting",
            "Requests that wait; beyond, the least critical are refused.",
            Shape::Integer {
                min: 1,
                max: 65_536,
            },
        )
        .default("1000"),
        Key::new(
            "max_wait",
            "The longest wait. When the queue does not empty, those are refused who waited for \
             10 ms.",
            Shape::DURATION,
        )
        .default("\"1s\""),
    ],
    rule: None,
    later: &["algorithm", "window", "shedding"],
};

const LIMIT: Shape = Shape::Integer {
    min: 1,
    max: 1_000_000,
};

static EJECTION: Table = Table {
    title: "`ejection`",
    about: "When live traffic takes an endpoint out of rotation.",
    keys: &[
        Key::new(
            "failures",
            "Consecutive failed attempts; 0 turns all of ejection off.",
            Shape::Integer { min: 0, max: 1_000 },
        )
        .default("5"),
        Key::new(
            "gateway_failures",
            "Consecutive attempts without a connection, without an answer in time, or with 502 to \
             504; 0 turns this rule off.",
            Shape::Integer { min: 0, max: 1_000 },
        )
        .default("3"),
        Key::new(
            "latency",
            "Answers much slower than those of the peers; `off` turns it off. When all of them \
             slow down, nobody is ejected.",
            Shape::Either(&[Shape::Off, Shape::Table(&LATENCY)]),
        ),
        Key::new(
            "success_rate",
            "Many more failures than the peers have; `off` turns it off. When all of them fail, \
             nobody is ejected.",
            Shape::Either(&[Shape::Off, Shape::Table(&SUCCESS_RATE)]),
        ),
        Key::new(
            "base",
            "The first ejection lasts so long, each further one twice as long. Requests that come to no \
             harm by it try the endpoint so long after any.",
            Shape::DURATION,
        )
        .default("\"1s\""),
        Key::new("max", "An ejection lasts so long at most.", Shape::DURATION).default("\"3s\""),
        Key::new(
            "max_share",
            "Never more of a service at once; one of two or more may always be ejected, the last \
             never.",
            Shape::Share,
        )
        .default("\"50%\""),
        Key::new(
            "canary",
            "The share of requests that tries an endpoint when its ejection is over. Some good \
             answers bring it back, a bad one ejects it again.",
            Shape::Share,
        )
        .default("\"10%\""),
    ],
    rule: None,
    later: &["quorum"],
};

static LATENCY: Table = Table {
    title: "ejection by latency",
    about: "When an endpoint is too slow beside its peers.",
    keys: &[
        Key::new(
            "factor",
            "Most of its answers take longer than the pool's median times this.",
            Shape::Integer { min: 2, max: 100 },
        )
        .default("3"),
        Key::new(
            "samples",
            "Answers within 10 s without which nobody is judged.",
            SAMPLES,
        )
        .default("5"),
    ],
    rule: None,
    later: &["quantile"],
};

static SUCCESS_RATE: Table = Table {
    title: "ejection by success rate",
    about: "When an endpoint fails too often beside its peers.",
    keys: &[
        Key::new(
            "below",
            "Certainly fewer of its attempts succeed, and it fails more than twice as often as the \
             pool.",
            Shape::Share,
        )
        .default("\"80%\""),
        Key::new(
            "samples",
            "Attempts within 10 s without which nobody is judged.",
            SAMPLES,
        )
        .default("10"),
    ],
    rule: None,
    later: &[],
};

const SAMPLES: Shape = Shape::Integer {
    min: 1,
    max: 1_000_000,
};
