//! `[[listener]]` and its routes.

use super::answers::ANSWERS;
use super::degrade::{BROWNOUT, CACHE, FALLBACK, MIRROR, SPLIT};
use super::hedge::HEDGE;
use super::isolate::BULKHEAD;
use super::{Key, Shape, Table};
use crate::model::Bytes;
use crate::text::Syntax;

/// One listener.
pub(crate) static LISTENER: Table = Table {
    title: "a listener",
    about: "Where traffic comes in.",
    keys: &[
        Key::new(
            "address",
            "IP:PORT, where port 0 takes any free port, or `unix:/PATH` for a Unix socket. The \
             file of a socket that nobody listens on is replaced; at the end it is removed.",
            Shape::Text(Syntax::Listen),
        )
        .required(),
        Key::new(
            "egress",
            "Whether it is for calls of this host's own services to others: only a loopback address or \
             a Unix socket. A route without `host` is found by its service's name, as in \
             `http://catalog/items`; without routes it leads to every service. Instances are told \
             where it is, in `NINEFOLD_EGRESS` and `{egress}`.",
            Shape::Flag,
        )
        .default("false"),
        Key::new(
            "mode",
            "Who may connect to a Unix socket: its permissions, octal. `0660`: the group too.",
            Shape::Text(Syntax::Mode),
        )
        .default("\"0600\""),
        Key::new(
            "tls",
            "One certificate, or several, chosen by SNI; the first is used where no name fits. \
             Default: plain text.",
            Shape::Either(&[
                Shape::Table(&TLS),
                Shape::List {
                    item: &Shape::Table(&TLS),
                    min: 1,
                    max: 256,
                },
            ]),
        ),
        Key::new(
            "client_ca",
            "A PEM file with certificate authorities, relative to the file's folder: only clients \
             with a certificate of one of them are served (mutual TLS). Read again when it changes. \
             Default: anybody.",
            Shape::Text(Syntax::File),
        )
        .needs("tls"),
        Key::new(
            "protocol",
            "What is spoken there. `tcp`: each connection goes as it is to one instance of one \
             service, as databases need it; the listener has one route, without `path`, `host`, \
             `methods` and `retry.body_size`.",
            Shape::Choice(&["http", "tcp"]),
        )
        .default("\"http\""),
        Key::new(
            "proxy_protocol",
            "Whether each connection begins with a header of the PROXY protocol, version 1 or 2, \
             which says who the client is. Only for listeners that nobody but a balancer reaches: \
             connections without one are closed.",
            Shape::Flag,
        )
        .default("false"),
        Key::new("limits", "What one client may take.", Shape::Table(&LIMITS)),
        Key::new(
            "access_log",
            "One line a request: its format, or a table.",
            Shape::Either(&[
                Shape::Choice(&["json", "common", "off"]),
                Shape::Table(&ACCESS_LOG),
            ]),
        )
        .default("\"off\""),
        Key::new(
            "trust_forwarded",
            "Whether `x-forwarded-*` and `x-request-id` of clients are kept instead of replaced.",
            Shape::Flag,
        )
        .default("false"),
        Key::new(
            "route",
            "The most specific route matches: one with a host before one without, the longer path \
             before the shorter, one with methods before one without, then file order. Without \
             any, in a file with exactly one service, everything goes to that service.",
            Shape::List {
                item: &Shape::Table(&ROUTE),
                min: 0,
                max: 1_024,
            },
        ),
    ],
    rule: None,
    later: &["http3"],
};

static TLS: Table = Table {
    title: "`tls`",
    about: "One certificate; both files are read again when they change.",
    keys: &[
        Key::new(
            "certificate",
            "A PEM file with the chain, leaf first; relative to the file's folder.",
            Shape::Text(Syntax::File),
        )
        .required(),
        Key::new(
            "key",
            "A PEM file with the private key; relative to the file's folder.",
            Shape::Text(Syntax::File),
        )
        .required(),
    ],
    rule: None,
    later: &["acme", "versions", "ciphers"],
};

static LIMITS: Table = Table {
    title: "`limits`",
    about: "What one client may take.",
    keys: &[
        Key::new(
            "head_size",
            "Request line and headers together.",
            Shape::Size {
                min: Bytes(1 << 10),
                max: Bytes(1 << 20),
            },
        )
        .default("\"32KiB\""),
        Key::new(
            "headers",
            "The number of headers.",
            Shape::Integer { min: 1, max: 1_000 },
        )
        .default("100"),
        Key::new("body_size", "A request's body; over it 413.", ANY_SIZE).default("\"16MiB\""),
        Key::new(
            "head_time",
            "From the first byte of a head to its last.",
            Shape::DURATION,
        )
        .default("\"10s\""),
        Key::new(
            "body_pause",
            "Between two pieces of a body, in either direction, at most.",
            Shape::DURATION,
        )
        .default("\"30s\""),
        Key::new(
            "body_rate_min",
            "A request body slower than this many bytes a second, over the time since its first \
             byte and after 10 s, is cut. `0B`: no limit.",
            ANY_SIZE,
        )
        .default("\"128B\""),
        Key::new(
            "idle",
            "A connection without a request; with `protocol = \"tcp\"`, one without a byte in \
             either direction. Default: 60s, and 1h with `tcp`.",
            Shape::DURATION,
        ),
        Key::new(
            "connections",
            "Open at once over all data threads; beyond it new ones are closed at once.",
            Shape::Integer {
                min: 1,
                max: 1_000_000,
            },
        )
        .default("20000"),
        Key::new(
            "streams",
            "Of one HTTP/2 connection.",
            Shape::Integer {
                min: 1,
                max: 10_000,
            },
        )
        .default("100"),
    ],
    rule: None,
    later: &["rate", "per_client"],
};

const ANY_SIZE: Shape = Shape::Size {
    min: Bytes(0),
    max: Bytes(1 << 40),
};

static ACCESS_LOG: Table = Table {
    title: "`access_log`",
    about: "One line a request.",
    keys: &[
        Key::new(
            "path",
            "The file, relative to the file's folder. Default: `access.log` in the node's state \
             folder.",
            Shape::Text(Syntax::File),
        ),
        Key::new(
            "format",
            "One JSON object a line, or the Common Log Format.",
            Shape::Choice(&["json", "common"]),
        )
        .default("\"json\""),
        Key::new(
            "sample",
            "The share of successful requests that is written; failures always are.",
            Shape::Share,
        )
        .default("\"100%\""),
    ],
    rule: None,
    later: &["fields", "size"],
};

/// One route.
pub(crate) static ROUTE: Table = Table {
    title: "a route",
    about: "Which requests go to which service, and how long they may take.",
    keys: &[
        Key::new(
            "name",
            "Unique in the file. Default: made from host and path, as `checkout` for `/checkout` \
             and `root` for `/`; with `protocol = \"tcp\"` that of the service.",
            Shape::Text(Syntax::Name),
        ),
        Key::new(
            "host",
            "Exact, or `*.example.org` for its subdomains, without port. Default: every host.",
            Shape::Text(Syntax::Host),
        ),
        Key::new(
            "path",
            "A prefix at segment borders: `/shop` matches `/shop` and `/shop/x`, not `/shopping`.",
            Shape::Text(Syntax::Prefix),
        )
        .default("\"/\""),
        Key::new(
            "methods",
            "Default: every method.",
            Shape::List {
                item: &Shape::Text(Syntax::Method),
                min: 1,
                max: 32,
            },
        ),
        Key::new(
            "service",
            "The service that answers.",
            Shape::Text(Syntax::Name),
        )
        .required(),
        Key::new(
            "timeout",
            "From the request's head to the last byte of the answer's head; with `protocol = \
             \"tcp\"`, until an instance has taken the connection.",
            Shape::DURATION,
        )
        .default("\"10s\""),
        Key::new(
            "try_timeout",
            "For one attempt; at most `timeout`. Default: a third of `timeout`, at most 2s.",
            Shape::DURATION,
        ),
        Key::new(
            "retry",
            "Only of idempotent requests, or of those that were certainly never sent: after 502 to 504, \
             and of requests that only read after any 5xx. `off` turns it off.",
            Shape::Either(&[Shape::Off, Shape::Table(&RETRY)]),
        ),
        Key::new(
            "criticality",
            "How much it hurts to refuse a request when its service is overloaded; the least \
             goes first. `x-criticality` of a request may say less, and on listeners with \
             `trust_forwarded` also more.",
            Shape::Choice(&["sheddable", "sheddable-plus", "critical", "critical-plus"]),
        )
        .default("\"critical\""),
        Key::new(
            "rate_limit",
            "Requests beyond this rate get 429 with `retry-after`; they are never sent.",
            Shape::Table(&RATE_LIMIT),
        ),
        Key::new(
            "bulkhead",
            "How many requests of one client or tenant may be under way. Default: no limit but the \
             service's.",
            Shape::Table(&BULKHEAD),
        ),
        Key::new(
            "hedge",
            "A second attempt beside one that is slow. Default: none.",
            Shape::Either(&[Shape::Off, Shape::Table(&HEDGE)]),
        ),
        Key::new(
            "fallback",
            "What answers where the service cannot. Default: an error.",
            Shape::Table(&FALLBACK),
        ),
        Key::new(
            "cache",
            "Keeps answers, so that they are there when the service is not. Default: nothing is \
             kept.",
            Shape::Table(&CACHE),
        ),
        Key::new(
            "split",
            "A share of the requests for a canary, with a roll-back of its own. Default: none.",
            Shape::Table(&SPLIT),
        ),
        Key::new(
            "brownout",
            "Answers without their optional part while the route is slow. Default: none.",
            Shape::Table(&BROWNOUT),
        ),
        Key::new(
            "mirror",
            "Copies of the requests for another service, whose answers nobody waits for. Default: none.",
            Shape::Table(&MIRROR),
        ),
        Key::new(
            "answers",
            "Checks whether answers are right. Default: what they say is not looked at.",
            Shape::Table(&ANSWERS),
        ),
        Key::new(
            "send_proxy_protocol",
            "Tells the instance by a header of the PROXY protocol who the client is; only with \
             `protocol = \"tcp\"`. Default: nothing is sent.",
            Shape::Choice(&["v1", "v2"]),
        ),
    ],
    rule: None,
    later: &["rewrite", "redirect", "headers", "breaker"],
};

static RATE_LIMIT: Table = Table {
    title: "`rate_limit`",
    about: "How often requests may come.",
    keys: &[
        Key::new(
            "rate",
            "Requests in the long run, of each client or whatever `by` says.",
            Shape::Rate { max: 1_000_000 },
        )
        .required(),
        Key::new(
            "burst",
            "Requests that may come at once after a pause. Default: those of a tenth of a second, \
             at least 1.",
            Shape::Integer {
                min: 1,
                max: 1_000_000,
            },
        ),
        Key::new(
            "by",
            "Whose requests are counted together: those of a `client` address (of IPv6, its \
             first 64 bits), `all`, or those \
             with one value of a header; those without it are counted together too.",
            Shape::Either(&[Shape::Choice(&["client", "all"]), Shape::Table(&BY_HEADER)]),
        )
        .default("\"client\""),
        Key::new(
            "keys",
            "Clients or values that are remembered at once. Those that find no room share one \
             limit; who has used his up is not forgotten.",
            Shape::Integer {
                min: 1,
                max: 1_000_000,
            },
        )
        .default("10000"),
    ],
    rule: None,
    later: &[],
};

static BY_HEADER: Table = Table {
    title: "`by`",
    about: "Counts the requests together that have one value of a header.",
    keys: &[Key::new(
        "header",
        "Its name. Whoever may write it freely has as many limits as values.",
        Shape::Text(Syntax::Header),
    )
    .required()],
    rule: None,
    later: &[],
};

static RETRY: Table = Table {
    title: "`retry`",
    about: "Tries after a failed one, each on another endpoint where there is one.",
    keys: &[
        Key::new(
            "attempts",
            "Tries in all, the first included.",
            Shape::Integer { min: 2, max: 5 },
        )
        .default("3"),
        Key::new("budget", "Retries as a share of requests.", Shape::Share).default("\"20%\""),
        Key::new(
            "budget_min",
            "Retries a second that are always allowed.",
            Shape::Integer {
                min: 0,
                max: 10_000,
            },
        )
        .default("10"),
        Key::new(
            "body_size",
            "A request body up to this size is kept for a retry.",
            Shape::Size {
                min: Bytes(0),
                max: Bytes(16 << 20),
            },
        )
        .default("\"64KiB\""),
        Key::new(
            "non_idempotent",
            "Whether requests of any method may be repeated after they were sent: for gRPC calls that \
             only read, or a service that knows a repeated request by its key.",
            Shape::Flag,
        )
        .default("false"),
    ],
    rule: None,
    later: &["on", "backoff"],
};
