//! `[[listener]]` and its routes.

use std::path::PathBuf;

use ninefold_core::address::Address;
use ninefold_core::policy::RetryBudgetConfig;

use super::{
    Answers, Brownout, Bulkhead, Bytes, Cache, Criticality, Fallback, Hedge, Mirror, Name, Rate,
    Ratio, Span, Split,
};

/// One listener.
#[derive(Clone, Debug, PartialEq)]
pub struct Listener {
    /// `address`: `IP:PORT`, where port 0 takes any free port, or `unix:/path`.
    pub address: Address,
    /// `mode`: who may connect to a Unix socket. Default 0600.
    pub mode: u32,
    /// `egress`: whether it is for calls of this host's own services. Default false.
    pub egress: bool,
    /// `protocol`. Default HTTP.
    pub protocol: Protocol,
    /// `proxy_protocol`: whether each connection begins with a header of the PROXY protocol. Default
    /// false.
    pub proxy_protocol: bool,
    /// `tls`: certificates, chosen by SNI; the first is used where no name fits. Empty: plain text.
    pub tls: Vec<TlsCertificate>,
    /// `client_ca`: a PEM file of authorities; clients need a certificate of one of them. Default:
    /// anybody may come.
    pub client_ca: Option<PathBuf>,
    /// `limits`.
    pub limits: Limits,
    /// `access_log`. Default: off.
    pub access_log: Option<AccessLog>,
    /// `trust_forwarded`: whether `x-forwarded-*` and `x-request-id` of clients are kept. Default
    /// false: they are replaced.
    pub trust_forwarded: bool,
    /// `[[listener.route]]`. The most specific matches: a route with a host before one without,
    /// the longer path before the shorter, one with methods before one without, then file order.
    pub routes: Vec<Route>,
}

impl Listener {
    /// One without routes, and otherwise as the defaults are.
    #[must_use]
    pub fn at(address: Address) -> Self {
        Self {
            address,
            mode: Self::MODE,
            egress: false,
            protocol: Protocol::Http,
            proxy_protocol: false,
            tls: Vec::new(),
            client_ca: None,
            limits: Limits::default(),
            access_log: None,
            trust_forwarded: false,
            routes: Vec::new(),
        }
    }

    /// Only the own user may connect.
    pub const MODE: u32 = 0o600;
}

/// `protocol`: what a listener speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 and HTTP/2.
    #[default]
    Http,
    /// Bytes, as they are. The listener has exactly one route, whose path is `/`.
    Tcp,
}

/// `send_proxy_protocol`: which version of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyVersion {
    /// A line of text.
    V1,
    /// Bytes.
    V2,
}

/// One certificate of a TLS listener; both files are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsCertificate {
    /// `certificate`: a PEM file with the chain, leaf first.
    pub certificate: PathBuf,
    /// `key`: a PEM file with the private key.
    pub key: PathBuf,
}

/// `limits`: what one client may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `head_size`: request line and headers. Default 32 KiB.
    pub head_size: Bytes,
    /// `headers`: their number. Default 100.
    pub headers: u32,
    /// `body_size`. Default 16 MiB; over it 413.
    pub body_size: Bytes,
    /// `head_time`: from the first byte of a head to its last. Default 10 s.
    pub head_time: Span,
    /// `body_pause`: between two pieces of a body, in either direction, at most. Default 30 s.
    pub body_pause: Span,
    /// `body_rate_min`: a request body slower than this many bytes a second, over the time since
    /// its first byte and after 10 s, is cut. Default 128 B. 0 B: no limit.
    pub body_rate_min: Bytes,
    /// `idle`: a connection without a request, or, with TCP, without a byte. Default 60 s, and 1 h
    /// with TCP.
    pub idle: Span,
    /// `connections`: open at once over all data threads; beyond it new ones are closed at once.
    /// Default 20,000.
    pub connections: u32,
    /// `streams`: of one HTTP/2 connection. Default 100.
    pub streams: u32,
}

/// One route.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// `name`; unique in the file. Default: made from host and path, as `checkout` for `/checkout`
    /// and `root` for `/`; with TCP that of the service.
    pub name: Name,
    /// `host`: exact, or `*.example.org` for its subdomains, without port. Default: every host.
    pub host: Option<String>,
    /// `path`: a prefix at segment borders: `/shop` matches `/shop` and `/shop/x`, not `/shopping`.
    /// Default `/`.
    pub path: String,
    /// `methods`. Default: every method.
    pub methods: Vec<String>,
    /// `service`.
    pub service: Name,
    /// `timeout`: from the request's head to the last byte of the answer's head; with TCP, until an
    /// instance has taken the connection. Default 10 s.
    pub timeout: Span,
    /// `try_timeout`: for one attempt; at most `timeout`. Default: a third of `timeout`, at most 2 s.
    pub try_timeout: Span,
    /// `retry`. `"off"` is `None`.
    pub retry: Option<Retry>,
    /// `criticality`. Default critical.
    pub criticality: Criticality,
    /// `rate_limit`. Default none.
    pub rate_limit: Option<RateLimit>,
    /// `bulkhead`. Default none.
    pub bulkhead: Option<Bulkhead>,
    /// `hedge`. Default none.
    pub hedge: Option<Hedge>,
    /// `fallback`. Default none.
    pub fallback: Option<Fallback>,
    /// `cache`. Default none.
    pub cache: Option<Cache>,
    /// `split`. Default none.
    pub split: Option<Split>,
    /// `mirror`. Default none.
    pub mirror: Option<Mirror>,
    /// `brownout`. Default none.
    pub brownout: Option<Brownout>,
    /// `answers`. Default none.
    pub answers: Option<Answers>,
    /// `send_proxy_protocol`: only with TCP. Default none.
    pub send_proxy_protocol: Option<ProxyVersion>,
}

impl Route {
    /// Whether its path covers one that a client asks for, maybe with a query.
    #[must_use]
    pub fn covers(&self, target: &str) -> bool {
        let path = target.split('?').next().unwrap_or_default();
        let below = |rest: &str| rest.is_empty() || rest.starts_with('/');
        self.path == "/" || path.strip_prefix(self.path.as_str()).is_some_and(below)
    }

    /// The services that its requests may reach, its own first.
    pub fn services(&self) -> impl Iterator<Item = &Name> {
        let fallback = self.fallback.as_ref().and_then(|fallback| match fallback {
            Fallback::Service(name) => Some(name),
            Fallback::Answer(_) => None,
        });
        let canary = self.split.as_ref().map(|split| &split.service);
        let mirror = self.mirror.as_ref().map(|mirror| &mirror.service);
        let own = std::iter::once(&self.service);
        own.chain(canary).chain(fallback).chain(mirror)
    }
}

/// `rate_limit`: requests beyond it get 429.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// `rate`: requests in the long run.
    pub rate: Rate,
    /// `burst`: requests that may come at once after a pause. Default: those of a tenth of a second,
    /// at least 1.
    pub burst: u32,
    /// `by`. Default: each client address.
    pub by: LimitBy,
    /// `keys`: clients or values that are remembered at once. Default 10,000.
    pub keys: u32,
}

/// `by`: whose requests are counted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitBy {
    /// Those of a client's address; of IPv6, its first 64 bits.
    Client,
    /// All of them.
    All,
    /// Those with one value of this header, in lower case; those without it too.
    Header(String),
}

/// `retry`: only of idempotent requests, or of those that were certainly never sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// `attempts`: tries in all, the first included. Default 3, 2 to 5.
    pub attempts: u32,
    /// `budget`: retries as a share of requests. Default 20 %.
    pub budget: Ratio,
    /// `budget_min`: retries a second that are always allowed. Default 10.
    pub budget_min: u32,
    /// `body_size`: a request body up to this size is kept for a retry. Default 64 KiB.
    pub body_size: Bytes,
    /// `non_idempotent`: whether requests of any method may be repeated after they were sent. Default
    /// no.
    pub non_idempotent: bool,
}

impl Retry {
    /// The budget that one of `parts` threads has: the floor is for all of them together.
    #[must_use]
    pub fn budget_of(&self, parts: usize) -> RetryBudgetConfig {
        let parts = u64::try_from(parts).unwrap_or(u64::MAX).max(1);
        let floor = Rate::millihertz(u64::from(self.budget_min) * 1_000 / parts);
        RetryBudgetConfig {
            ratio: self.budget,
            floor: floor.min(RetryBudgetConfig::FLOOR_MAX),
        }
    }
}

/// `access_log`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLog {
    /// `path`: the file. Default: `access.log` in the node's state folder.
    pub path: Option<PathBuf>,
    /// `format`. Default JSON.
    pub format: AccessLogFormat,
    /// `sample`: the share of successful requests that is written; failures always are. Default 100 %.
    pub sample: Ratio,
}

/// The formats of an access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLogFormat {
    /// One JSON object a line.
    Json,
    /// The Common Log Format of NCSA, with the termination reason behind it.
    Common,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_size: Bytes(32 << 10),
            headers: 100,
            body_size: Bytes(16 << 20),
            head_time: Span::secs(10),
            body_pause: Span::secs(30),
            body_rate_min: Bytes(128),
            idle: Span::secs(60),
            connections: 20_000,
            streams: 100,
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 3,
            budget: Ratio::percent(20),
            budget_min: 10,
            body_size: Bytes(64 << 10),
            non_idempotent: false,
        }
    }
}
