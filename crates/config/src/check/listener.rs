//! Routes: names, references, and which of them can match.

use std::collections::BTreeMap;

use super::{place, service};
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{Listener, Name, Route};
use crate::text::route_name;

/// Checks the routes of every listener.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    for (path, listener) in place::listeners(&built.file) {
        let related = [KeyPath::default().key("service"), path.key("route")];
        if listener.routes.is_empty() {
            let count = built.names("service").len();
            report.check(
                Draft::error(
                    "missing-route",
                    &path,
                    format!("this listener has no route, and the file has {count} services"),
                )
                .help(
                    "write a `[[listener.route]]` with `path` and `service`; only with exactly \
                     one service everything goes there by itself",
                ),
                &related,
            );
        }
        matches(listener, &path, report);
    }
    names(built, report);
    for (path, route) in place::routes(&built.file) {
        if built.written(&path) {
            let at = path.key("service");
            service::known(built, &route.service, &at, "this route", report);
        }
    }
}

/// What the gateway calls requests that reached no route.
const NO_ROUTE: &str = "none";

fn names(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    let mut seen: BTreeMap<&Name, &Route> = BTreeMap::new();
    for (path, route) in place::routes(&built.file) {
        let at = path.key("name");
        let written = built.written(&at);
        let related = [path.key("path"), path.key("host")];
        if !written && route_name(route.host.as_deref(), &route.path).is_none() {
            report.check(
                Draft::error(
                    "unnamed-route",
                    &path.key("path"),
                    format!("no name can be made from `{}`", route.path),
                )
                .help("write a `name`"),
                &related,
            );
        } else if &*route.name == NO_ROUTE {
            let draft = Draft::error(
                "reserved-name",
                if written { &at } else { &path },
                format!(
                    "`{NO_ROUTE}` is the name under which requests without a route are counted"
                ),
            );
            report.check(
                draft.help("write another `name`").value(&route.name),
                &related,
            );
        } else if let Some(other) = seen.insert(&route.name, route) {
            let name = &route.name;
            let draft = if written {
                Draft::error(
                    "duplicate-name",
                    &at,
                    format!("two routes are named `{name}`"),
                )
                .help("write another `name`: metrics and SLOs tell routes apart by it")
            } else {
                Draft::error(
                    "duplicate-name",
                    &path,
                    format!(
                        "the name made for this route, `{name}`, is that of `{}{}` too",
                        other.host.as_deref().unwrap_or_default(),
                        other.path
                    ),
                )
                .help("write a `name` in one of them")
            };
            report.check(draft.value(name), &related);
        }
    }
}

/// Reports routes that never match, as an earlier one takes all their requests.
fn matches(listener: &Listener, path: &KeyPath, report: &mut Report<'_, '_>) {
    let mut seen: BTreeMap<(&Option<String>, &str), Vec<&Route>> = BTreeMap::new();
    for (index, route) in listener.routes.iter().enumerate() {
        let at = path.key("route").index(index);
        let same = seen.entry((&route.host, &route.path)).or_default();
        let taken = if route.methods.is_empty() {
            same.iter().any(|earlier| earlier.methods.is_empty())
        } else {
            let methods = route.methods.iter();
            methods
                .clone()
                .all(|method| same.iter().any(|earlier| earlier.methods.contains(method)))
        };
        if taken {
            report.check(
                Draft::error(
                    "unreachable-route",
                    &at,
                    format!("an earlier route takes all requests for `{}`", route.path),
                )
                .help("remove it, or give it another `path`, `host` or `methods`"),
                &[at.key("path"), at.key("host"), at.key("methods")],
            );
        }
        same.push(route);
    }
}
