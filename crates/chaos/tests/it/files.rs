//! Configuration for the tests, built by hand.

use std::collections::BTreeMap;

use ninefold_config::model::{
    Balance, Chaos, Claim, Cluster, Ejection, Endpoint, External, File, Health, Limits, Listener,
    Load, LoadRequest, Name, Node, Protocol, Rate, Ratio, Redundancy, Restart, Retry, Route,
    Service, ServiceKind, Slo, Span, Spread, Stop, Supervised, Survive, WhenTooFew,
};

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// A claim on the route `root` at 50 requests a second.
pub(crate) fn claim(text: &str, survive: Survive) -> Claim {
    Claim {
        name: text.to_owned(),
        survive,
        service: name("web"),
        slo: name("up"),
        available: Ratio::percent(99),
        recover: Some(Span::secs(10)),
        lose: None,
        load: Load {
            rate: Rate::per_second(50),
            requests: vec![request("GET", "/")],
            check: None,
        },
    }
}

pub(crate) fn request(method: &str, path: &str) -> LoadRequest {
    LoadRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: BTreeMap::new(),
        body: None,
    }
}

fn cluster() -> Cluster {
    Cluster {
        nodes: None,
        name: name("test"),
        zones: vec![name("a"), name("b")],
        regions: BTreeMap::new(),
    }
}

/// One service `web` of three replicas over two zones, one route, one objective.
pub(crate) fn file(claims: Vec<Claim>) -> File {
    let slo = Slo {
        route: name("root"),
        availability: Some(Ratio::percent(99)),
        latency: None,
        window: Span::secs(3_600),
    };
    File {
        path: "shop/ninefold.toml".into(),
        cluster: cluster(),
        threads: None,
        node: Node::default(),
        services: BTreeMap::from([(
            name("web"),
            service(ServiceKind::Supervised(Box::new(supervised()))),
        )]),
        listeners: vec![Listener {
            address: "127.0.0.1:0".parse().unwrap(),
            mode: Listener::MODE,
            egress: false,
            tls: Vec::new(),
            client_ca: None,
            limits: Limits::default(),
            access_log: None,
            trust_forwarded: false,
            protocol: Protocol::Http,
            proxy_protocol: false,
            routes: vec![Route {
                name: name("root"),
                host: None,
                path: "/".to_owned(),
                methods: Vec::new(),
                service: name("web"),
                timeout: Span::secs(5),
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
            }],
        }],
        slos: BTreeMap::from([(name("up"), slo)]),
        claims,
        chaos: Chaos::default(),
    }
}

fn supervised() -> Supervised {
    Supervised {
        run: vec!["fixture".to_owned()],
        prepare: None,
        replicas: 3,
        redundancy: Redundancy::ActiveActive,
        spread: Spread::Zone,
        max_per_zone: None,
        min_ready: 1,
        directory: None,
        env: BTreeMap::new(),
        env_file: None,
        user: None,
        version: None,
        stop: Stop::default(),
        restart: Restart::default(),
    }
}

/// A service that runs elsewhere.
pub(crate) fn external() -> Service {
    service(ServiceKind::External(External {
        endpoints: vec![Endpoint {
            address: "127.0.0.1:1".to_owned(),
            zone: None,
            weight: 1,
            backup: false,
        }],
        source: None,
    }))
}

fn service(kind: ServiceKind) -> Service {
    Service {
        kind,
        health: Health::default(),
        ejection: Ejection::default(),
        balance: Balance::default(),
        when_too_few: WhenTooFew::default(),
        panic_threshold: Ratio::percent(0),
        local_first: None,
        slow_start: Span::secs(0),
        connect_timeout: Span::millis(500),
        connections: None,
        protocol: ninefold_config::model::ServiceProtocol::default(),
        tls: None,
        overload: None,
        breaker: None,
    }
}
