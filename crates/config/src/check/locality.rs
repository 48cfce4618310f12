//! Zones that traffic stays in.

use std::collections::BTreeMap;

use super::place;
use super::service::quoted;
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{LocalFirst, Name, ServiceKind};

/// Checks the regions, the node's zone, and `local_first` of every service.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    regions(built, report);
    shares(built, report);
    let file = &built.file;
    let node = KeyPath::default().key("node").key("zone");
    let Some(own) = &file.node.zone else {
        for name in file.services.keys() {
            let at = place::service(name).key("local_first");
            if built.written(&at) {
                let draft = Draft::warning(
                    "no-effect",
                    &at,
                    "`local_first` has no effect: the node has no zone",
                )
                .at_key()
                .help("write `zone` in `[node]`, or remove it");
                report.check(draft, &[]);
            }
        }
        return;
    };
    let external = file
        .services
        .values()
        .flat_map(|service| match &service.kind {
            ServiceKind::External(external) => external.endpoints.as_slice(),
            ServiceKind::Supervised(_) => &[],
        });
    let mut zones = external.filter_map(|endpoint| endpoint.zone.as_ref());
    if !file.cluster.zones.contains(own) && !zones.any(|zone| zone == own) {
        let draft = Draft::warning(
            "no-effect",
            &node,
            format!("no endpoint is in the zone `{own}`: no traffic stays there"),
        )
        .value(own)
        .help(
            "write the zone of endpoints that are there, as in `{ address = \"…\", zone = \"a\" }`",
        );
        report.check(draft, &[]);
    }
}

fn shares(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    for (name, service) in &built.file.services {
        let none = |local: &&LocalFirst| local.spill_below.as_f64() <= 0.0;
        if let Some(local) = service.local_first.as_ref().filter(none) {
            let at = place::service(name).key("local_first").key("spill_below");
            let draft = Draft::error(
                "out-of-range",
                &at,
                "at 0 % one endpoint would keep the traffic of a whole zone",
            )
            .value(local.spill_below)
            .help("write a share above it, as in \"70%\"");
            report.check(draft, &[]);
        }
    }
}

fn regions(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    let path = KeyPath::default().key("cluster").key("regions");
    let mut seen: BTreeMap<&Name, &Name> = BTreeMap::new();
    for (region, zones) in &built.file.cluster.regions {
        for (index, zone) in zones.iter().enumerate() {
            let declared = &built.file.cluster.zones;
            if !declared.is_empty() && !declared.contains(zone) {
                let draft = Draft::warning(
                    "unknown-zone",
                    &path.key(region).index(index),
                    format!("`{zone}` is none of the cluster's zones"),
                )
                .value(zone)
                .help(format!("`cluster.zones` has {}", quoted(declared)));
                report.check(draft, &[KeyPath::default().key("cluster")]);
            }
            let Some(other) = seen.insert(zone, region) else {
                continue;
            };
            let draft = Draft::error(
                "duplicate-name",
                &path.key(region).index(index),
                format!("the zone `{zone}` is in the regions `{other}` and `{region}`"),
            )
            .value(zone)
            .help("a zone is in one region: remove it from the other");
            report.check(draft, &[]);
        }
    }
}
