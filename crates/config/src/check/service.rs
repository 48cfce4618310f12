//! Services: that there are any, who uses them, and where the endpoints of external ones are.

use std::collections::BTreeSet;

use super::place;
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{External, File, Name, Service, ServiceKind, Source, SourceKind};
use crate::walk::nearest;

/// Checks every service by itself.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    let file = &built.file;
    if built.names("service").is_empty() {
        let root = KeyPath::default();
        let draft = Draft::error(
            "nothing-declared",
            &root.key("service"),
            "the file declares no service",
        )
        .at_key()
        .help("write a `[service.NAME]` with `run`, or with `endpoints`");
        report.check(draft, &[]);
    }
    for (name, service) in &file.services {
        let path = place::service(name);
        match &service.kind {
            ServiceKind::External(external) => {
                unused(file, name, &path, report);
                endpoints(file, external, &path, report);
                if let Some(source) = &external.source {
                    looked_up(built, source, &path.key("endpoints"), report);
                }
            }
            ServiceKind::Supervised(supervised) => {
                program(&supervised.run, &path.key("run"), report);
                let prepare = supervised.prepare.as_deref().unwrap_or_default();
                program(prepare, &path.key("prepare"), report);
                let restart = &supervised.restart;
                let at = path.key("restart");
                if restart.backoff_min > restart.backoff_max {
                    let message = format!(
                        "the first wait, {}, is longer than the longest, {}",
                        restart.backoff_min, restart.backoff_max
                    );
                    bounds(&at, "backoff_min", "backoff_max", message, report);
                }
            }
        }
        ejection(service, &path, report);
    }
}

fn program(command: &[String], at: &KeyPath, report: &mut Report<'_, '_>) {
    if command
        .first()
        .is_some_and(|program| program.trim().is_empty())
    {
        report.check(
            Draft::error("invalid-value", &at.index(0), "the program has no name")
                .help("write the program first, then its arguments"),
            &[],
        );
    }
}

fn ejection(service: &Service, path: &KeyPath, report: &mut Report<'_, '_>) {
    let ejection = &service.ejection;
    if ejection.base > ejection.max {
        let message = format!(
            "the first ejection, {}, is longer than the longest, {}",
            ejection.base, ejection.max
        );
        bounds(&path.key("ejection"), "base", "max", message, report);
    }
}

fn bounds(at: &KeyPath, least: &str, most: &str, message: String, report: &mut Report<'_, '_>) {
    let most_path = at.key(most);
    report.check(
        Draft::error("empty-range", &at.key(least), message)
            .help(format!("write a shorter `{least}`, or a longer `{most}`")),
        &[most_path],
    );
}

fn unused(file: &File, name: &Name, path: &KeyPath, report: &mut Report<'_, '_>) {
    if place::routes(file).any(|(_, route)| route.services().any(|one| one == name)) {
        return;
    }
    report.check(
        Draft::warning(
            "unused-service",
            path,
            format!("no route leads to `{name}`"),
        )
        .at_key()
        .help(format!(
            "write a `[[listener.route]]` with `service = \"{name}\"`, or remove it"
        )),
        &[KeyPath::default().key("listener")],
    );
}

fn endpoints(file: &File, external: &External, path: &KeyPath, report: &mut Report<'_, '_>) {
    let mut seen = BTreeSet::new();
    for (index, endpoint) in external.endpoints.iter().enumerate() {
        let at = path.key("endpoints").index(index);
        if !seen.insert(&endpoint.address) {
            report.check(
                Draft::error(
                    "duplicate-endpoint",
                    &at,
                    format!("`{}` is there twice", endpoint.address),
                )
                .value(&endpoint.address)
                .help("remove one: it would get twice the traffic, and count as redundancy"),
                &[],
            );
        }
        let zones = &file.cluster.zones;
        let unknown = |zone: &&Name| !zones.is_empty() && !zones.contains(zone);
        if let Some(zone) = endpoint.zone.as_ref().filter(unknown) {
            let near = nearest(zone, zones.iter().map(|zone| &**zone))
                .map(|near| format!("did you mean `{near}`? "))
                .unwrap_or_default();
            report.check(
                Draft::warning(
                    "unknown-zone",
                    &at.key("zone"),
                    format!("`{zone}` is none of the cluster's zones"),
                )
                .value(zone)
                .help(format!("{near}`cluster.zones` has {}", quoted(zones))),
                &[KeyPath::default().key("cluster")],
            );
        }
    }
}

/// Only names are looked up.
fn looked_up(built: &Built<'_, '_>, source: &Source, at: &KeyPath, report: &mut Report<'_, '_>) {
    if !matches!(source.kind, SourceKind::File(_)) {
        return;
    }
    for key in ["nameserver", "min_ttl"] {
        let at = at.key(key);
        if built.written(&at) {
            let message = format!("`{key}` has no effect: a file is no name that is looked up");
            let draft = Draft::warning("no-effect", &at, message).at_key();
            report.check(draft.help("remove it"), &[]);
        }
    }
}

/// Names for messages.
pub(super) fn quoted<'n>(names: impl IntoIterator<Item = &'n Name>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// Reports a reference to a service that does not exist.
///
/// Returns whether the reference is good.
pub(super) fn known(
    built: &Built<'_, '_>,
    name: &str,
    at: &KeyPath,
    who: &str,
    report: &mut Report<'_, '_>,
) -> bool {
    let names = built.names("service");
    if names.contains(&name) {
        return true;
    }
    let near = nearest(name, names.iter().copied())
        .map(|near| format!("did you mean `{near}`? "))
        .unwrap_or_default();
    let list = if names.is_empty() {
        "none".to_owned()
    } else {
        names
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    report.check(
        Draft::error(
            "unknown-service",
            at,
            format!("{who} names the service `{name}`, which the file does not declare"),
        )
        .value(name)
        .help(format!("{near}services of this file: {list}")),
        &[],
    );
    false
}
