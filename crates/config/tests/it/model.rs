//! What short forms and missing keys become.

use std::path::Path;

use ninefold_config::model::{
    AccessLogFormat, Check, Listener, Probe, Redundancy, Route, Service, ServiceKind, Span, Spread,
    Supervised, Survive,
};
use ninefold_config::{parse, render};

fn file(text: &str) -> ninefold_config::model::File {
    let outcome = parse(text, Path::new("shop/ninefold.toml"));
    let rendered = render(&outcome);
    outcome.file.unwrap_or_else(|| panic!("{rendered}"))
}

fn service(keys: &str) -> Service {
    let file = file(&format!(
        "[cluster]\nzones = [\"a\", \"b\"]\n[service.x]\n{keys}\n"
    ));
    file.services.into_values().next().unwrap()
}

fn supervised(keys: &str) -> Supervised {
    match service(&format!("run = [\"x\"]\n{keys}")).kind {
        ServiceKind::Supervised(supervised) => *supervised,
        ServiceKind::External(_) => panic!("external"),
    }
}

fn listener(keys: &str) -> Listener {
    let text =
        format!("service.x.run = [\"x\"]\n[[listener]]\naddress = \"127.0.0.1:0\"\n{keys}\n");
    file(&text).listeners.remove(0)
}

fn route(keys: &str) -> Route {
    listener(&format!("[[listener.route]]\nservice = \"x\"\n{keys}"))
        .routes
        .remove(0)
}

#[test]
fn one_listener_and_one_external_service_are_a_proxy() {
    let file = file(
        "[service.site]\nendpoints = [\"127.0.0.1:9000\"]\n[[listener]]\naddress = \"127.0.0.1:8080\"\n",
    );
    assert_eq!(&*file.cluster.name, "shop", "from the folder");
    let route = &file.listeners[0].routes[0];
    assert_eq!((&*route.name, route.path.as_str()), ("root", "/"));
    assert_eq!(&*route.service, "site");
    assert_eq!(file.node, ninefold_config::model::Node::default());
}

#[test]
fn a_folder_without_a_valid_name_makes_the_cluster_ninefold() {
    let outcome = parse(
        "service.x.run = [\"x\"]",
        Path::new("/My Shop/ninefold.toml"),
    );
    assert_eq!(&*outcome.file.unwrap().cluster.name, "ninefold");
}

#[test]
fn probes_have_short_and_long_forms() {
    let service = service(
        "run = [\"x\"]\nhealth = { startup = \"tcp\", ready = \"/r\", live = { exec = [\"true\"], every = \"200ms\" } }",
    );
    let startup = service.health.startup.unwrap();
    assert_eq!((startup.check, startup.failures), (Check::Tcp, 30));
    let path = "/r".to_owned();
    assert_eq!(
        service.health.ready,
        Some(Probe::new(Check::Http { path, http2: false }))
    );
    let live = service.health.live.unwrap();
    assert_eq!(live.every, Span::millis(200));
    assert_eq!(live.timeout, Span::millis(200), "never more than `every`");
    assert_eq!(
        live.check,
        Check::Exec {
            command: vec!["true".to_owned()]
        }
    );
}

#[test]
fn redundancy_has_two_forms() {
    for keys in [
        "redundancy = \"active-passive\"",
        "redundancy = { mode = \"active-passive\" }",
    ] {
        let keys = format!("{keys}\nreplicas = 2");
        assert_eq!(supervised(&keys).redundancy, Redundancy::ActivePassive);
    }
}

#[test]
fn replicas_are_spread_where_there_are_zones() {
    assert_eq!(supervised("").spread, Spread::Zone);
    assert_eq!(supervised("spread = \"none\"").spread, Spread::None);
    assert_eq!(supervised("stop = { signal = \"INT\" }").stop.signal, 2);
}

#[test]
fn endpoints_are_texts_or_tables() {
    let service = service("endpoints = [\"db:1\", { address = \"db:2\", zone = \"b\" }]");
    let ServiceKind::External(external) = service.kind else {
        panic!("supervised")
    };
    assert_eq!(external.endpoints[0].zone, None);
    assert_eq!(external.endpoints[1].zone.as_deref(), Some("b"));
    assert_eq!(external.endpoints[1].address, "db:2");
}

#[test]
fn timeouts_of_tries_follow_from_the_route() {
    let default = route("path = \"/\"");
    assert_eq!(
        (default.timeout, default.try_timeout),
        (Span::secs(10), Span::secs(2))
    );
    let short = route("path = \"/\"\ntimeout = \"300ms\"");
    assert_eq!(short.try_timeout, Span::millis(100));
}

#[test]
fn retries_can_be_off_in_two_ways() {
    assert!(route("path = \"/\"").retry.is_some());
    assert_eq!(route("path = \"/\"\nretry = \"off\"").retry, None);
    assert_eq!(route("path = \"/\"\nretry = false").retry, None);
}

#[test]
fn access_logs_have_three_words_and_a_table() {
    let format = |keys: &str| listener(keys).access_log.map(|log| log.format);
    assert_eq!(format(""), None);
    assert_eq!(format("access_log = \"off\""), None);
    assert_eq!(
        format("access_log = \"common\""),
        Some(AccessLogFormat::Common)
    );
    assert_eq!(
        format("access_log = { sample = \"1%\" }"),
        Some(AccessLogFormat::Json)
    );
}

#[test]
fn one_certificate_is_a_table_several_an_array() {
    let one = "tls = { certificate = \"c\", key = \"k\" }";
    let two = "tls = [{ certificate = \"c\", key = \"k\" }, { certificate = \"d\", key = \"l\" }]";
    assert_eq!(listener(one).tls.len(), 1);
    assert_eq!(listener(two).tls.len(), 2);
    assert_eq!(listener(one).tls[0], listener(two).tls[0]);
}

#[test]
fn the_admin_api_can_be_off() {
    let node = |keys: &str| file(&format!("service.x.run = [\"x\"]\n[node]\n{keys}\n")).node;
    assert_eq!(node("admin = \"off\"").admin, None);
    let declared = node("admin = \"127.0.0.1:1\"").admin.unwrap();
    assert!(declared.declared && declared.address.port() == 1);
    assert!(!node("").admin.unwrap().declared);
}

#[test]
fn claims_find_their_service_and_their_load() {
    let file = file(
        r#"
        [service.x]
        run = ["x"]
        replicas = 2
        [service.y]
        run = ["y"]
        [[listener]]
        address = "127.0.0.1:0"
        [[listener.route]]
        host = "*.example.org"
        path = "/a"
        service = "x"
        [slo.fast]
        route = "/a"
        availability = "99%"
        [[claim]]
        name = "one may die"
        survive = { instances = 1 }
        slo = "fast"
        available = "99%"
        "#,
    );
    assert_eq!(&*file.slos["fast"].route, "example-org-a");
    let claim = &file.claims[0];
    assert_eq!(&*claim.service, "x");
    assert_eq!(claim.survive, Survive::Instances(1));
    let request = &claim.load.requests[0];
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("GET", "/a")
    );
    assert_eq!(request.headers["host"], "ninefold.example.org");
}
