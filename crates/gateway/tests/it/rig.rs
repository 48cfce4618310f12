//! A gateway with a configuration built by hand, and a plain client.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ninefold_config::model::{
    Balance, Bytes, Chaos, Cluster, Ejection, Endpoint, External, File, Health, Limits, Listener,
    Node, Protocol, Ratio, Retry, Route, Service, ServiceKind, ServiceProtocol, Span, WhenTooFew,
};
use ninefold_core::id::InstanceId;
use ninefold_gateway::{Counters, EndpointView, Gateway, RouteCounters};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::backend::Backend;

/// Everything that a test waits for comes within this time.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn service() -> Service {
    Service {
        kind: ServiceKind::External(External {
            endpoints: vec![Endpoint {
                address: "127.0.0.1:1".to_owned(),
                zone: None,
                weight: 1,
                backup: false,
            }],
            source: None,
        }),
        health: Health::default(),
        ejection: Ejection::default(),
        balance: Balance::default(),
        when_too_few: WhenTooFew::default(),
        panic_threshold: Ratio::percent(0),
        local_first: None,
        slow_start: Span::secs(0),
        connect_timeout: Span::millis(500),
        connections: None,
        overload: None,
        breaker: None,
        protocol: ServiceProtocol::default(),
        tls: None,
    }
}

pub(crate) fn route(path: &str) -> Route {
    Route {
        name: "root".parse().unwrap(),
        host: None,
        path: path.to_owned(),
        methods: vec![],
        service: "app".parse().unwrap(),
        timeout: Span::secs(10),
        try_timeout: Span::secs(2),
        retry: Some(Retry::default()),
        send_proxy_protocol: None,
        rate_limit: None,
        bulkhead: None,
        hedge: None,
        fallback: None,
        cache: None,
        split: None,
        brownout: None,
        mirror: None,
        answers: None,
        criticality: ninefold_config::model::Criticality::Critical,
    }
}

pub(crate) fn file() -> File {
    File {
        path: "/nonexistent/ninefold.toml".into(),
        cluster: Cluster {
            nodes: None,
            name: "test".parse().unwrap(),
            zones: vec![],
            regions: BTreeMap::new(),
        },
        threads: std::num::NonZeroU16::new(2),
        node: Node::default(),
        services: BTreeMap::from([("app".parse().unwrap(), service())]),
        listeners: vec![Listener {
            address: SocketAddr::from(([127, 0, 0, 1], 0)).into(),
            mode: Listener::MODE,
            egress: false,
            tls: vec![],
            client_ca: None,
            limits: Limits::default(),
            access_log: None,
            trust_forwarded: false,
            protocol: Protocol::Http,
            proxy_protocol: false,
            routes: vec![route("/")],
        }],
        slos: BTreeMap::new(),
        claims: vec![],
        chaos: Chaos::default(),
    }
}

/// A gateway in front of backends.
#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) gateway: Gateway,
    pub(crate) address: SocketAddr,
    _state: tempfile::TempDir,
}

impl Rig {
    pub(crate) fn new(file: &File) -> Self {
        let rig = Self::held(file);
        rig.gateway.open();
        rig
    }

    /// One that does not accept yet.
    pub(crate) fn held(file: &File) -> Self {
        let state = tempfile::tempdir().unwrap();
        let gateway = Gateway::hold(file, state.path(), Vec::new()).unwrap();
        Self {
            address: gateway.addresses()[0].tcp().unwrap(),
            gateway,
            _state: state,
        }
    }

    pub(crate) fn with(file: &File, backends: &[&Backend]) -> Self {
        let rig = Self::new(file);
        let addresses: Vec<_> = backends.iter().map(|backend| backend.address).collect();
        rig.publish(&addresses);
        rig
    }

    pub(crate) fn publish(&self, addresses: &[SocketAddr]) {
        self.gateway.publish(views(addresses));
    }

    pub(crate) async fn connect(&self) -> Plain {
        Plain::connect(self.address).await
    }

    /// One request on a connection of its own.
    pub(crate) async fn once(&self, request: &str) -> Answer {
        let mut plain = self.connect().await;
        plain.send(request.as_bytes()).await;
        plain.answer().await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.once(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .await
    }

    pub(crate) fn counters(&self) -> Counters {
        self.gateway.counters()
    }

    /// Waits until the first route has settled everything, and checks the sum.
    pub(crate) async fn settled(&self) -> RouteCounters {
        let route = until("requests settle", || async {
            let route = self.counters().routes.into_iter().next()?;
            let ended = route.ok + route.failed + route.cancelled + route.refused;
            (ended == route.requests).then_some(route)
        });
        route.await
    }
}

pub(crate) fn views(addresses: &[SocketAddr]) -> Vec<EndpointView> {
    views_of_service("app", addresses)
}

pub(crate) fn views_of_service(service: &str, addresses: &[SocketAddr]) -> Vec<EndpointView> {
    let view = |(ordinal, address): (usize, &SocketAddr)| EndpointView {
        instance: InstanceId::new(service, u32::try_from(ordinal).unwrap()),
        address: (*address).into(),
        zone: None,
        admitted: true,
        degraded: false,
        doubtful: false,
        weight: 1,
        backup: false,
        ready_since: None,
        host: None,
        incarnation: 0,
        own: true,
    };
    addresses.iter().enumerate().map(view).collect()
}

/// Waits for a condition, for at most [`DEADLINE`].
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut check: impl FnMut() -> F,
) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = check().await {
            return value;
        }
        assert!(
            began.elapsed() < DEADLINE,
            "not within {DEADLINE:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Fails instead of hanging.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(DEADLINE, future).await;
    result.unwrap_or_else(|_| panic!("not within {DEADLINE:?}: {what}"))
}

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        crate::backend::header(&self.head, name)
    }
}

/// A client that writes bytes as they are.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
}

impl Plain {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self {
            stream: soon("connect", TcpStream::connect(address)).await.unwrap(),
            buffer: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        soon("send", self.stream.write_all(bytes)).await.unwrap();
    }

    async fn more(&mut self) -> bool {
        soon("read", self.stream.read_buf(&mut self.buffer))
            .await
            .is_ok_and(|count| count > 0)
    }

    /// How much was received and not looked at.
    pub(crate) fn buffered(&self) -> usize {
        self.buffer.len()
    }

    pub(crate) async fn until(&mut self, end: &[u8]) -> Option<String> {
        loop {
            if let Some(at) = self
                .buffer
                .windows(end.len())
                .position(|window| window == end)
            {
                let found = self.buffer.drain(..at + end.len()).collect();
                return Some(String::from_utf8(found).unwrap());
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// A head, or nothing if the connection ended.
    pub(crate) async fn head(&mut self) -> Option<Answer> {
        let head = self.until(b"\r\n\r\n").await?;
        Some(Answer {
            status: head[9..12].parse().unwrap(),
            head,
            body: String::new(),
        })
    }

    /// A whole answer with a known length or chunks.
    pub(crate) async fn answer(&mut self) -> Answer {
        self.try_answer()
            .await
            .expect("the connection ended before an answer")
    }

    pub(crate) async fn try_answer(&mut self) -> Option<Answer> {
        let mut answer = self.head().await?;
        if let Some(length) = answer.header("content-length") {
            let length: usize = length.parse().unwrap();
            while self.buffer.len() < length {
                if !self.more().await {
                    return None;
                }
            }
            answer.body = String::from_utf8(self.buffer.drain(..length).collect()).unwrap();
        } else if answer.header("transfer-encoding").is_some() {
            loop {
                let line = self.until(b"\r\n").await?;
                answer.body.push_str(&line);
                if line == "0\r\n" {
                    answer.body.push_str(&self.until(b"\r\n").await?);
                    while !answer.body.ends_with("\r\n\r\n") {
                        answer.body.push_str(&self.until(b"\r\n").await?);
                    }
                    break;
                }
            }
        }
        Some(answer)
    }

    /// Everything until the end of the stream; an error counts as the end.
    pub(crate) async fn rest(&mut self) -> String {
        while self.more().await {}
        String::from_utf8_lossy(&std::mem::take(&mut self.buffer)).into_owned()
    }

    /// Whether the stream ends; bytes before it are thrown away.
    pub(crate) async fn ends(&mut self) {
        self.rest().await;
    }
}

/// Limits as small as tests need them.
pub(crate) fn small(limits: &mut Limits) {
    limits.head_size = Bytes(1_024);
    limits.headers = 10;
    limits.body_size = Bytes(1_000);
}
