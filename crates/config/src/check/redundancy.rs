//! Replicas, zones and what is left when some fail.

use std::collections::BTreeSet;

use super::place;
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{File, Name, Redundancy, ServiceKind, Spread, Supervised};

/// Checks the cluster's zones, the redundancy of every supervised service, and their ports.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    let file = &built.file;
    let mut seen = BTreeSet::new();
    for (index, zone) in file.cluster.zones.iter().enumerate() {
        if !seen.insert(zone) {
            let at = zones_path().index(index);
            report.check(
                Draft::error(
                    "duplicate-name",
                    &at,
                    format!("the zone `{zone}` is there twice"),
                )
                .value(zone)
                .help("a zone is a domain that fails by itself: remove one"),
                &[],
            );
        }
    }
    let mut replicas = 0u32;
    for (name, service) in &file.services {
        if let ServiceKind::Supervised(supervised) = &service.kind {
            replicas = replicas.saturating_add(supervised.replicas);
            spread(built, name, supervised, report);
            ready(name, supervised, report);
        }
    }
    ports(built, replicas, report);
}

fn zones_path() -> KeyPath {
    KeyPath::default().key("cluster").key("zones")
}

fn spread(built: &Built<'_, '_>, name: &Name, service: &Supervised, report: &mut Report<'_, '_>) {
    let path = place::service(name);
    let zones = u32::try_from(built.file.cluster.zones.len()).unwrap_or(u32::MAX);
    let at = path.key("spread");
    if service.spread == Spread::Zone && built.written(&at) && zones < 2 {
        report.check(
            Draft::error(
                "impossible-redundancy",
                &at,
                format!("replicas cannot be spread over zones: the cluster has {zones}"),
            )
            .value("zone")
            .help("write `zones = [\"a\", \"b\"]` or more in `[cluster]`, or `spread = \"none\"`"),
            &[zones_path()],
        );
    }
    let Some(max) = service.max_per_zone else {
        return;
    };
    let at = path.key("max_per_zone");
    if zones == 0 {
        report.check(
            Draft::error(
                "impossible-redundancy",
                &at,
                "`max_per_zone` limits replicas in one zone, but the cluster has no zones",
            )
            .value(max)
            .help("write `zones = [\"a\", \"b\"]` or more in `[cluster]`, or remove it"),
            &[zones_path()],
        );
    } else if u64::from(service.replicas) > u64::from(zones) * u64::from(max) {
        let room = u64::from(zones) * u64::from(max);
        report.check(
            Draft::error(
                "impossible-redundancy",
                &path.key("replicas"),
                format!(
                    "{} replicas have no place: with at most {max} in each of {zones} zones, {room} fit",
                    service.replicas
                ),
            )
            .value(service.replicas)
            .help(format!(
                "write at most {room} `replicas`, a greater `max_per_zone`, or more zones"
            )),
            &[zones_path(), at],
        );
    }
}

fn ready(name: &Name, service: &Supervised, report: &mut Report<'_, '_>) {
    let path = place::service(name);
    let (replicas, min_ready) = (service.replicas, service.min_ready);
    let at = path.key("min_ready");
    let related = [path.key("replicas")];
    if min_ready > replicas {
        report.check(
            Draft::error(
                "impossible-redundancy",
                &at,
                format!("{min_ready} instances must be ready, but only {replicas} run"),
            )
            .value(min_ready)
            .help(format!("write at most {replicas}, or more `replicas`")),
            &related,
        );
    } else if min_ready == replicas && replicas > 1 {
        report.check(
            Draft::warning(
                "no-spare",
                &at,
                format!("all {replicas} instances must be ready: the first failure is an outage"),
            )
            .value(min_ready)
            .help("write one `replicas` more for every failure that it must survive"),
            &related,
        );
    }
    if service.redundancy == Redundancy::ActivePassive && replicas == 1 {
        report.check(
            Draft::warning(
                "no-spare",
                &path.key("redundancy"),
                format!("`{name}` is active-passive with one replica: nothing can take over"),
            )
            .help("write `replicas = 2` or more"),
            &related,
        );
    }
}

fn ports(built: &Built<'_, '_>, replicas: u32, report: &mut Report<'_, '_>) {
    let (first, last) = built.file.node.ports;
    let room = u32::from(last).saturating_sub(u32::from(first)) + 1;
    if replicas > room {
        let range = KeyPath::default().key("node").key("ports");
        let at = match most_replicas(&built.file) {
            Some(name) if !built.written(&range) => place::service(name).key("replicas"),
            _ => range,
        };
        report.check(
            Draft::error(
                "too-few-ports",
                &at,
                format!("{replicas} instances need a port each, but there are {room}"),
            )
            .at_key()
            .help(format!(
                "write a range of at least {replicas} ports in `node.ports`"
            )),
            &[],
        );
    }
}

/// The service that takes the most ports.
fn most_replicas(file: &File) -> Option<&Name> {
    let counted = file
        .services
        .iter()
        .filter_map(|(name, service)| match &service.kind {
            ServiceKind::Supervised(supervised) => Some((supervised.replicas, name)),
            ServiceKind::External(_) => None,
        });
    counted.max().map(|(_, name)| name)
}
