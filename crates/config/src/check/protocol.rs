//! Keys that make sense with one protocol only.

use super::place;
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{Listener, Protocol};

/// Checks that a listener has only what its protocol knows.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    for (path, listener) in place::listeners(&built.file) {
        match listener.protocol {
            Protocol::Http => http(built, listener, &path, report),
            Protocol::Tcp => tcp(built, listener, &path, report),
        }
    }
}

fn http(built: &Built<'_, '_>, listener: &Listener, path: &KeyPath, report: &mut Report<'_, '_>) {
    for index in 0..listener.routes.len() {
        let at = path.key("route").index(index).key("send_proxy_protocol");
        if built.written(&at) {
            let draft = Draft::error(
                "not-applicable",
                &at,
                "requests of many clients share a connection to an instance",
            );
            let help = "leave it out: `x-forwarded-for` says who the client is";
            report.check(draft.help(help), &[path.key("protocol")]);
        }
    }
}

/// What only HTTP has, of a listener, of its limits, and of a route.
const OF_LISTENERS: [&str; 3] = ["access_log", "egress", "trust_forwarded"];
const OF_LIMITS: [&str; 6] = [
    "head_size",
    "headers",
    "body_size",
    "body_pause",
    "body_rate_min",
    "streams",
];
const OF_ROUTES: [&str; 13] = [
    "host",
    "path",
    "methods",
    "criticality",
    "rate_limit",
    "bulkhead",
    "fallback",
    "hedge",
    "cache",
    "split",
    "mirror",
    "answers",
    "brownout",
];

/// What only HTTP has, of a service.
const OF_SERVICES: [&str; 2] = ["protocol", "tls"];

fn tcp(built: &Built<'_, '_>, listener: &Listener, path: &KeyPath, report: &mut Report<'_, '_>) {
    let protocol = path.key("protocol");
    if listener.routes.len() > 1 {
        let draft = Draft::error(
            "not-applicable",
            &path.key("route").index(1),
            "nothing tells connections apart: a listener of `tcp` has one route",
        );
        report.check(
            draft.help("write a listener of its own for it"),
            std::slice::from_ref(&protocol),
        );
    }
    let limits = path.key("limits");
    let route = |index| path.key("route").index(index);
    let keys = OF_LISTENERS
        .map(|key| path.key(key))
        .into_iter()
        .chain(OF_LIMITS.map(|key| limits.key(key)))
        .chain(
            (0..listener.routes.len()).flat_map(|index| OF_ROUTES.map(|key| route(index).key(key))),
        )
        .chain((0..listener.routes.len()).map(|index| route(index).key("retry").key("body_size")))
        .chain(listener.routes.iter().flat_map(|route| {
            let service = place::service(&route.service);
            OF_SERVICES.map(|key| service.key(key))
        }));
    for key in keys.filter(|key| built.written(key)) {
        let draft = Draft::error("not-applicable", &key, "`tcp` looks at no request");
        report.check(
            draft.help("leave it out, or write `protocol = \"http\"`"),
            std::slice::from_ref(&protocol),
        );
    }
}
