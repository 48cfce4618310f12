//! A configuration as a test wants it, without the parser.

use std::collections::BTreeMap;
use std::path::Path;

use ninefold_config::model::{
    Balance, Chaos, Check, Cluster, Ejection, File, Health, Name, Node, Probe, Ratio, Redundancy,
    Restart, Service, ServiceKind, Span, Spread, Stop, Supervised, WhenTooFew,
};

/// A port range above the ephemeral ports; the search starts where the cluster's name says.
const PORTS: (u16, u16) = (61_000, 64_999);

/// A file in `folder` without services.
pub(crate) fn file(folder: &Path) -> File {
    let random = folder.file_name().unwrap_or_default().to_string_lossy();
    let name: String = random
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    File {
        path: folder.join("ninefold.toml"),
        cluster: Cluster {
            nodes: None,
            name: named(&format!("t{name}")),
            zones: Vec::new(),
            regions: BTreeMap::new(),
        },
        threads: None,
        node: Node {
            ports: PORTS,
            ..Node::default()
        },
        services: BTreeMap::new(),
        listeners: Vec::new(),
        slos: BTreeMap::new(),
        claims: Vec::new(),
        chaos: Chaos::default(),
    }
}

fn named(text: &str) -> Name {
    let Ok(name) = text.parse() else {
        unreachable!("`{text}` is a name")
    };
    name
}

/// One replica of a command, restarted quickly.
pub(crate) fn supervised(run: &[&str]) -> Supervised {
    Supervised {
        run: run.iter().map(|word| (*word).to_owned()).collect(),
        prepare: None,
        replicas: 1,
        redundancy: Redundancy::ActiveActive,
        spread: Spread::Zone,
        max_per_zone: None,
        min_ready: 1,
        directory: None,
        env: BTreeMap::new(),
        env_file: None,
        user: None,
        version: None,
        stop: Stop {
            grace: Span::secs(5),
            drain: Span::secs(2),
            ..Stop::default()
        },
        restart: Restart {
            backoff_min: Span::millis(20),
            ..Restart::default()
        },
    }
}

/// A command for the shell.
pub(crate) fn shell(command: &str) -> Vec<String> {
    ["sh", "-c", command].map(Into::into).to_vec()
}

/// A service of any kind.
pub(crate) fn service(kind: ServiceKind, health: Health) -> Service {
    Service {
        kind,
        health,
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

/// A quick HTTP probe.
pub(crate) fn http(path: &str) -> Probe {
    Probe {
        every: Span::millis(200),
        timeout: Span::millis(200),
        failures: 2,
        ..Probe::new(Check::Http {
            path: path.into(),
            http2: false,
        })
    }
}

/// The readiness probe of the test service.
pub(crate) fn ready() -> Health {
    Health {
        ready: Some(http("/ready")),
        ..Health::default()
    }
}

/// `file` with one more service.
pub(crate) fn with(mut file: File, name: &str, supervised: Supervised, health: Health) -> File {
    let kind = ServiceKind::Supervised(Box::new(supervised));
    file.services.insert(named(name), service(kind, health));
    file
}
