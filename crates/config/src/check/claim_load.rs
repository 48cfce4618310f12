//! Loads of claims.

use super::place;
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{Claim, Load, LoadRequest, Protocol, Route};

/// Checks the load of every claim.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    for (index, claim) in built.file.claims.iter().enumerate() {
        let path = place::claim(index);
        writes(built, claim, &path, report);
        let slo = built.file.slos.get(&claim.slo);
        let route = slo.and_then(|slo| {
            place::routes(&built.file)
                .map(|(_, route)| route)
                .find(|route| route.name == slo.route)
        });
        let spoken = place::listeners(&built.file)
            .find(|(_, listener)| listener.routes.iter().any(|one| Some(one) == route))
            .map(|(_, listener)| listener.protocol);
        if spoken == Some(Protocol::Tcp) {
            let draft = Draft::error(
                "impossible-claim",
                &path.key("slo"),
                "the load of a claim speaks HTTP, and the route of this SLO is one of `tcp`",
            );
            report.check(draft.help("watch the SLO of a route that needs it"), &[]);
        } else if let Some(route) = route {
            aim(&claim.load, route, &path, report);
        }
    }
}

/// What stands for the id of a request.
const ID: &str = "{id}";

fn writes(built: &Built<'_, '_>, claim: &Claim, path: &KeyPath, report: &mut Report<'_, '_>) {
    let load = path.key("load");
    let at = load.key("check");
    match &claim.load.check {
        None if claim.lose.is_some() => report.check(
            Draft::error(
                "missing-check",
                &path.key("lose"),
                "`lose` needs `load.check`: nothing else says whether a write is still there",
            )
            .at_key()
            .help("write `load.check` with the path that answers 404 for a lost write, as in \"/orders/{id}\""),
            std::slice::from_ref(&load),
        ),
        Some(check) if !check.contains(ID) => report.check(
            Draft::error("missing-id", &at, "`check` has no `{id}`: it would ask for one and the same thing")
                .value(check)
                .help("write `{id}` where the id of a write belongs, as in \"/orders/{id}\""),
            &[],
        ),
        Some(_) if claim.lose.is_none() => report.check(
            Draft::warning("no-effect", &at, "`check` has no effect without `lose`")
                .at_key()
                .help("write `lose = 0` in the claim, or remove it"),
            &[path.key("lose")],
        ),
        _ => {}
    }
    let written = |request: &LoadRequest| {
        request.path.contains(ID) || request.body.as_ref().is_some_and(|b| b.contains(ID))
    };
    if claim.load.check.is_some() && !claim.load.requests.iter().any(written) {
        let requests = load.key("requests");
        let spot = if built.written(&requests) {
            requests
        } else {
            at
        };
        report.check(
            Draft::error(
                "missing-id",
                &spot,
                "no request of this load has `{id}` in its path or body, so there is no write to check",
            )
            .at_key()
            .help("write `requests` with `{id}`, as in `{ method = \"PUT\", path = \"/orders/{id}\" }`"),
            &[load.key("requests"), path.key("slo"), load.key("check")],
        );
    }
}

/// Reports requests that the watched route never sees.
fn aim(load: &Load, route: &Route, path: &KeyPath, report: &mut Report<'_, '_>) {
    let at = path.key("load").key("requests");
    let related = [path.key("slo")];
    if load.requests.iter().all(|request| !hits(route, request)) {
        report.check(
            Draft::warning(
                "load-misses-route",
                &at,
                format!(
                    "no request of this load goes to the route `{}` (`{}`), which is watched",
                    route.name, route.path
                ),
            )
            .at_key()
            .help("write `load.requests` with a path, and a method, of that route"),
            &related,
        );
    }
}

fn hits(route: &Route, request: &LoadRequest) -> bool {
    let method = route.methods.is_empty() || route.methods.contains(&request.method);
    route.covers(&request.path) && method
}
