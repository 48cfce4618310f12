//! A bare gateway for tries and measurements: `proxy LISTEN UPSTREAM...`.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use ninefold_config::model::{
    Chaos, Cluster, Ejection, Endpoint, External, File, Health, Limits, Listener, Node, Retry,
    Route, Service, ServiceKind, Span,
};
use ninefold_core::id::InstanceId;
use ninefold_gateway::{EndpointView, Gateway};

fn main() -> Result<(), Box<dyn Error>> {
    let addresses = std::env::args()
        .skip(1)
        .map(|argument| argument.parse())
        .collect::<Result<Vec<SocketAddr>, _>>()?;
    let (listen, upstreams) = addresses.split_first().ok_or("proxy LISTEN UPSTREAM...")?;
    let gateway = Gateway::start(&file(*listen, upstreams)?, &std::env::temp_dir())?;
    let view = |(ordinal, address): (u32, &SocketAddr)| EndpointView {
        instance: InstanceId::new("app", ordinal),
        address: *address,
        zone: None,
        admitted: true,
        ready_since: None,
    };
    gateway.publish((0..).zip(upstreams).map(view).collect());
    loop {
        for notice in gateway.take_notices() {
            tracing::info!(?notice, "notice");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn file(listen: SocketAddr, upstreams: &[SocketAddr]) -> Result<File, Box<dyn Error>> {
    let endpoint = |address: &SocketAddr| Endpoint {
        address: address.to_string(),
        zone: None,
    };
    let service = Service {
        kind: ServiceKind::External(External {
            endpoints: upstreams.iter().map(endpoint).collect(),
        }),
        health: Health::default(),
        ejection: Ejection::default(),
        slow_start: Span::secs(0),
        connect_timeout: Span::millis(500),
    };
    let route = Route {
        name: "root".parse()?,
        host: None,
        path: "/".to_owned(),
        methods: vec![],
        service: "app".parse()?,
        timeout: Span::secs(10),
        try_timeout: Span::secs(2),
        retry: Some(Retry::default()),
    };
    Ok(File {
        path: "proxy.toml".into(),
        cluster: Cluster {
            name: "proxy".parse()?,
            zones: vec![],
        },
        threads: None,
        node: Node::default(),
        services: BTreeMap::from([("app".parse()?, service)]),
        listeners: vec![Listener {
            address: listen,
            tls: vec![],
            limits: Limits::default(),
            access_log: None,
            trust_forwarded: false,
            routes: vec![route],
        }],
        slos: BTreeMap::new(),
        claims: vec![],
        chaos: Chaos::default(),
    })
}
