//! Objectives.

use std::collections::BTreeSet;

use super::{place, service};
use crate::build::{Built, Unresolved, resolve_route};
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{Name, Ratio, Slo};
use crate::walk::nearest;

/// Checks every objective.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    for (name, slo) in &built.file.slos {
        let path = place::slo(name);
        route(built, &path, report);
        share(slo.availability, &path.key("availability"), report);
        share(
            slo.latency.map(|l| l.share),
            &path.key("latency").key("share"),
            report,
        );
        latency(built, slo, &path, report);
    }
}

fn route(built: &Built<'_, '_>, path: &KeyPath, report: &mut Report<'_, '_>) {
    let at = path.key("route");
    let Some(text) = built.text(&at) else { return };
    let listeners = &built.file.listeners;
    let related = [KeyPath::default().key("listener")];
    let routes: Vec<_> = place::routes(&built.file).map(|(_, route)| route).collect();
    let draft = match resolve_route(listeners, text) {
        Ok(_) => return,
        Err(Unresolved::Ambiguous) => {
            let names: BTreeSet<_> = routes
                .iter()
                .filter(|r| r.path == text)
                .map(|r| &r.name)
                .collect();
            let help = if names.len() > 1 {
                format!("write a route by its name: {}", service::quoted(names))
            } else {
                "write a `name` in each of them, and that name here".to_owned()
            };
            Draft::error(
                "ambiguous-route",
                &at,
                format!("several routes have the path `{text}`"),
            )
            .help(help)
        }
        Err(Unresolved::Missing) => {
            let by_path = text.starts_with('/');
            let candidates = routes
                .iter()
                .map(|r| if by_path { r.path.as_str() } else { &*r.name });
            let near = nearest(text, candidates)
                .map(|near| format!("did you mean `{near}`? "))
                .unwrap_or_default();
            let names = service::quoted(routes.iter().map(|route| &route.name));
            Draft::error(
                "unknown-route",
                &at,
                format!(
                    "no route has the {} `{text}`",
                    if by_path { "path" } else { "name" }
                ),
            )
            .help(format!("{near}routes of this file: {names}"))
        }
    };
    report.check(draft.value(text), &related);
}

fn share(share: Option<Ratio>, at: &KeyPath, report: &mut Report<'_, '_>) {
    let (what, help) = match share {
        Some(Ratio::ONE) => (
            "an objective of 100 % leaves no error budget: one failed request spends it for the \
             whole window",
            "write what users really need, as in \"99.95%\"",
        ),
        Some(share) if share == Ratio::percent(0) => (
            "an objective of 0 % is always met",
            "write what users really need, as in \"99.95%\"",
        ),
        _ => return,
    };
    report.check(Draft::warning("no-error-budget", at, what).help(help), &[]);
}

fn latency(built: &Built<'_, '_>, slo: &Slo, path: &KeyPath, report: &mut Report<'_, '_>) {
    let Some(latency) = slo.latency else { return };
    let found = place::routes(&built.file).find(|(_, route)| route.name == slo.route);
    let Some((route_path, route)) = found else {
        return;
    };
    if latency.under > route.timeout {
        report.check(
            Draft::warning(
                "latency-beyond-timeout",
                &path.key("latency").key("under"),
                format!(
                    "every answer is faster than {}: the route `{}` gives up after {}",
                    latency.under, route.name, route.timeout
                ),
            )
            .value(latency.under)
            .help(format!(
                "write a bound below \"{}\", or a longer `timeout` of the route",
                route.timeout
            )),
            &[path.key("route"), route_path.key("timeout")],
        );
    }
}

/// Reports a reference to an objective that does not exist.
pub(super) fn known(built: &Built<'_, '_>, name: &Name, at: &KeyPath, report: &mut Report<'_, '_>) {
    let names = built.names("slo");
    if names.contains(&&**name) {
        return;
    }
    let near = nearest(name, names.iter().copied())
        .map(|near| format!("did you mean `{near}`? "))
        .unwrap_or_default();
    let list = service::quoted(built.file.slos.keys());
    report.check(
        Draft::error(
            "unknown-slo",
            at,
            format!("this claim names the SLO `{name}`, which the file does not declare"),
        )
        .value(name)
        .help(format!("{near}SLOs of this file: {list}")),
        &[],
    );
}
