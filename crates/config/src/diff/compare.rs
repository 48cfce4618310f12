//! Two files beside each other. The patterns name every field, so that none is forgotten.

use std::collections::BTreeMap;
use std::fmt;

use super::change::{Change, ChangeKind, Keys};
use super::service;
use crate::model::{Claim, Cluster, File, Listener, Node, Route, Slo};

/// What differs from `old` to `new`, in the order of a file. Empty if nothing does: comments, order
/// and ways to write the same are no difference.
#[must_use]
pub fn diff(old: &File, new: &File) -> Vec<Change> {
    let File {
        path: _,
        cluster,
        threads,
        node,
        services,
        listeners,
        slos,
        claims,
        chaos,
    } = old;
    let mut changes = Vec::new();
    compare_cluster(&mut changes, cluster, &new.cluster);
    if *threads != new.threads {
        changes.push(Change::new(ChangeKind::Changed, "threads"));
    }
    compare_node(&mut changes, node, &new.node);
    let folders = (old.folder(), new.folder());
    if folders.0 != folders.1 {
        let mut change = Change::new(ChangeKind::Changed, "the file's folder");
        change.keys = vec![format!(
            "{} -> {}",
            folders.0.display(),
            folders.1.display()
        )];
        changes.push(change);
    }
    named(
        &mut changes,
        "service",
        services,
        &new.services,
        service::keys,
    );
    compare_listeners(&mut changes, listeners, &new.listeners);
    named(&mut changes, "slo", slos, &new.slos, slo_keys);
    let claims_of = |claims: &[Claim]| -> BTreeMap<String, Claim> {
        let named = claims
            .iter()
            .map(|claim| (claim.name.clone(), claim.clone()));
        named.collect()
    };
    let (before, after) = (claims_of(claims), claims_of(&new.claims));
    named(&mut changes, "claim", &before, &after, |_, _| Vec::new());
    if *chaos != new.chaos {
        changes.push(Change::new(ChangeKind::Changed, "chaos"));
    }
    changes
}

/// What is found by its name.
fn named<K: Ord + fmt::Display, V: PartialEq>(
    changes: &mut Vec<Change>,
    kind: &str,
    old: &BTreeMap<K, V>,
    new: &BTreeMap<K, V>,
    keys: impl Fn(&V, &V) -> Vec<String>,
) {
    for (name, before) in old {
        let what = format!("{kind} {name}");
        match new.get(name) {
            None => changes.push(Change::new(ChangeKind::Removed, what)),
            Some(after) if before != after => changes.push(Change {
                keys: keys(before, after),
                ..Change::new(ChangeKind::Changed, what)
            }),
            Some(_) => {}
        }
    }
    let added = new.keys().filter(|name| !old.contains_key(*name));
    changes.extend(added.map(|name| Change::new(ChangeKind::Added, format!("{kind} {name}"))));
}

fn refused(what: &str, why: &str) -> Change {
    Change {
        refused: Some(why.to_owned()),
        ..Change::new(ChangeKind::Changed, what)
    }
}

fn compare_cluster(changes: &mut Vec<Change>, old: &Cluster, new: &Cluster) {
    let Cluster {
        name,
        zones,
        nodes,
        regions,
    } = old;
    if *name != new.name {
        let why = format!("this node is cluster `{name}`; run `ninefold stop`, then `ninefold up`");
        changes.push(refused(
            &format!("cluster.name {name} -> {}", new.name),
            &why,
        ));
    }
    if *nodes != new.nodes {
        let why = "which node runs which replica follows from it; run `ninefold stop` on every node, then `ninefold up`";
        changes.push(refused("cluster.nodes", why));
    }
    if *zones != new.zones {
        changes.push(Change::new(ChangeKind::Changed, "cluster.zones"));
    }
    if *regions != new.regions {
        changes.push(Change::new(ChangeKind::Changed, "cluster.regions"));
    }
}

fn compare_node(changes: &mut Vec<Change>, old: &Node, new: &Node) {
    let Node {
        state,
        zone,
        rack,
        admin,
        ports,
        journal_size,
        log_size,
        drain,
        source: _,
    } = old;
    if *state != new.state {
        changes.push(refused(
            "node.state",
            "the books lie there; run `ninefold stop`, move the folder, then `ninefold up`",
        ));
    }
    if *admin != new.admin {
        changes.push(refused(
            "node.admin",
            "the admin API listens there; run `ninefold upgrade`, which opens it anew",
        ));
    }
    if *journal_size != new.journal_size {
        changes.push(refused(
            "node.journal_size",
            "the journal is open; run `ninefold upgrade`, which opens it anew",
        ));
    }
    let mut keys = Keys::default();
    keys.whole("zone", zone, &new.zone);
    keys.whole("rack", rack, &new.rack);
    keys.whole("ports", ports, &new.ports);
    keys.value("log_size", log_size, &new.log_size);
    keys.value("drain", drain, &new.drain);
    if !keys.0.is_empty() {
        changes.push(Change {
            keys: keys.0,
            ..Change::new(ChangeKind::Changed, "node")
        });
    }
}

fn compare_listeners(changes: &mut Vec<Change>, old: &[Listener], new: &[Listener]) {
    // Those with port 0 may share their address: the first is compared with the first.
    let mut rest: Vec<&Listener> = new.iter().collect();
    for before in old {
        let at = format!("listener {}", before.address);
        let mut others = rest.iter();
        let Some(index) = others.position(|after| after.address == before.address) else {
            changes.push(Change::new(ChangeKind::Removed, at));
            continue;
        };
        let after = rest.remove(index);
        let keys = listener_keys(before, after);
        if !keys.is_empty() {
            changes.push(Change {
                keys,
                ..Change::new(ChangeKind::Changed, at)
            });
        }
        let routes = |listener: &Listener| -> BTreeMap<String, Route> {
            let routes = listener.routes.iter();
            routes
                .map(|route| (route.name.to_string(), route.clone()))
                .collect()
        };
        let kind = format!("route {}", before.address);
        named(changes, &kind, &routes(before), &routes(after), route_keys);
    }
    let added = rest
        .iter()
        .map(|listener| format!("listener {}", listener.address));
    changes.extend(added.map(|what| Change::new(ChangeKind::Added, what)));
}

fn listener_keys(old: &Listener, new: &Listener) -> Vec<String> {
    let Listener {
        address: _,
        mode,
        egress,
        protocol,
        proxy_protocol,
        tls,
        client_ca,
        limits,
        access_log,
        trust_forwarded,
        routes,
    } = old;
    let mut keys = Keys::default();
    keys.whole("mode", mode, &new.mode);
    keys.value("egress", egress, &new.egress);
    keys.whole("protocol", protocol, &new.protocol);
    keys.value("proxy_protocol", proxy_protocol, &new.proxy_protocol);
    keys.whole("tls", tls, &new.tls);
    keys.whole("client_ca", client_ca, &new.client_ca);
    keys.whole("limits", limits, &new.limits);
    keys.whole("access_log", access_log, &new.access_log);
    keys.value("trust_forwarded", trust_forwarded, &new.trust_forwarded);
    let order =
        |routes: &[Route]| -> Vec<_> { routes.iter().map(|route| route.name.clone()).collect() };
    let (mut before, mut after) = (order(routes), order(&new.routes));
    let moved = before != after;
    before.sort();
    after.sort();
    if moved && before == after {
        keys.0.push("order of routes".to_owned());
    }
    keys.0
}

fn route_keys(old: &Route, new: &Route) -> Vec<String> {
    let Route {
        name: _,
        host,
        path,
        methods,
        service,
        timeout,
        try_timeout,
        retry,
        criticality,
        rate_limit,
        bulkhead,
        hedge,
        fallback,
        cache,
        split,
        mirror,
        answers,
        brownout,
        send_proxy_protocol,
    } = old;
    let mut keys = Keys::default();
    keys.whole("host", host, &new.host);
    keys.value("path", path, &new.path);
    keys.whole("methods", methods, &new.methods);
    keys.value("service", service, &new.service);
    keys.value("timeout", timeout, &new.timeout);
    keys.value("try_timeout", try_timeout, &new.try_timeout);
    keys.whole("retry", retry, &new.retry);
    let (before, after) = (criticality.as_str(), new.criticality.as_str());
    keys.value("criticality", &before, &after);
    keys.whole("rate_limit", rate_limit, &new.rate_limit);
    keys.whole("bulkhead", bulkhead, &new.bulkhead);
    keys.whole("hedge", hedge, &new.hedge);
    keys.whole("fallback", fallback, &new.fallback);
    keys.whole("cache", cache, &new.cache);
    keys.whole("split", split, &new.split);
    keys.whole("brownout", brownout, &new.brownout);
    keys.whole("mirror", mirror, &new.mirror);
    keys.whole("answers", answers, &new.answers);
    keys.whole(
        "send_proxy_protocol",
        send_proxy_protocol,
        &new.send_proxy_protocol,
    );
    keys.0
}

fn slo_keys(old: &Slo, new: &Slo) -> Vec<String> {
    let Slo {
        route,
        availability,
        latency,
        window,
    } = old;
    let mut keys = Keys::default();
    keys.value("route", route, &new.route);
    keys.whole("availability", availability, &new.availability);
    keys.whole("latency", latency, &new.latency);
    keys.value("window", window, &new.window);
    keys.0
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::parse;

    const OLD: &str = r#"
[cluster]
name = "shop"
[service.web]
run = ["web", "{address}"]
replicas = 2
[service.old]
endpoints = ["10.0.0.1:1"]
[[listener]]
address = "127.0.0.1:8080"
[[listener.route]]
path = "/"
service = "web"
[[listener.route]]
path = "/old"
service = "old"
[slo.web]
route = "/"
availability = "99%"
"#;

    fn of(text: &str) -> File {
        let outcome = parse(text, Path::new("a/ninefold.toml"));
        outcome
            .file
            .unwrap_or_else(|| panic!("{}", crate::render(&parse(text, Path::new("a")))))
    }

    fn shown(new: &str) -> String {
        let changes = diff(&of(OLD), &of(new));
        changes.iter().map(|change| format!("{change}\n")).collect()
    }

    #[test]
    fn what_says_the_same_differs_in_nothing() {
        assert_eq!(shown(&format!("# words\n{OLD}")), "");
        assert_eq!(
            shown(&OLD.replace("replicas = 2", "replicas = 2 # two\nmin_ready = 1")),
            ""
        );
    }

    #[test]
    fn what_is_added_removed_and_changed_is_named() {
        let new = OLD
            .replace(
                "[service.old]\nendpoints = [\"10.0.0.1:1\"]",
                "[service.new]\nendpoints = [\"10.0.0.1:1\"]",
            )
            .replace(
                "path = \"/old\"\nservice = \"old\"",
                "path = \"/new\"\nservice = \"new\"",
            )
            .replace("replicas = 2", "replicas = 3\nenv = { SECRET = \"x\" }")
            .replace(
                "service = \"web\"",
                "service = \"web\"\ntimeout = \"3s\"\ntry_timeout = \"1s\"",
            )
            .replace("99%", "99.9%");
        expect_test::expect![[r#"
            - service old
            ~ service web: replicas 2 -> 3, env
            + service new
            - route 127.0.0.1:8080 old
            ~ route 127.0.0.1:8080 root: timeout 10s -> 3s, try_timeout 2s -> 1s
            + route 127.0.0.1:8080 new
            ~ slo web: availability
        "#]]
        .assert_eq(&shown(&new));
    }

    #[test]
    fn what_cannot_be_changed_while_it_runs_says_what_to_do() {
        let new = OLD.replace(
            "name = \"shop\"",
            "name = \"shed\"\n[node]\nadmin = \"off\"\nstate = \"x\"\njournal_size = \"1MiB\"",
        );
        let changes = diff(&of(OLD), &of(&new));
        assert_eq!(changes.len(), 4);
        for change in changes {
            let why = change.refused.unwrap();
            assert!(why.contains("ninefold"), "{}: {why}", change.what);
        }
    }
}
