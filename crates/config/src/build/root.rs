//! The file, the cluster and this node.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::built::Built;
use super::view::View;
use super::{claim, listener, service, slo};
use crate::model::{AdminAddress, Chaos, Cluster, File, Name, Node};
use crate::text;

/// Builds the model of a whole file.
pub(crate) fn file<'a, 'i>(root: &'a DeTable<'i>, path: &Path) -> Built<'a, 'i> {
    let root = View::new(root);
    let cluster = cluster(root.table("cluster"), path);
    let services = service::services(root, &cluster);
    let listeners = listener::listeners(root, &services);
    let slos = slo::slos(root, &listeners);
    let claims = claim::claims(root, &slos, &listeners);
    let chaos = root.table("chaos");
    let default = Chaos::default();
    let file = File {
        path: path.to_owned(),
        cluster,
        threads: root
            .integer::<u16>("threads")
            .and_then(|n| n.try_into().ok()),
        node: node(root.table("node")),
        services,
        listeners,
        slos,
        claims,
        chaos: Chaos {
            enabled: chaos.flag("enabled").unwrap_or(default.enabled),
            ttl_max: chaos.parse("ttl_max").unwrap_or(default.ttl_max),
        },
    };
    Built { file, root }
}

fn cluster(table: View<'_, '_>, path: &Path) -> Cluster {
    let zones = table.texts("zones");
    Cluster {
        name: table.parse("name").unwrap_or_else(|| folder_name(path)),
        zones: zones
            .iter()
            .map(|zone| zone.parse().unwrap_or_else(|_invalid| Name::unknown()))
            .collect(),
        nodes: table.integer::<u32>("nodes"),
        regions: regions(table),
    }
}

fn regions(cluster: View<'_, '_>) -> BTreeMap<Name, Vec<Name>> {
    let entries = cluster.entries("regions");
    let region = |(name, zones): (&str, &DeValue<'_>)| {
        let zones = zones.as_array()?.iter();
        let zones = zones.filter_map(|zone| zone.get_ref().as_str()?.parse().ok());
        Some((name.parse().ok()?, zones.collect()))
    };
    entries.into_iter().filter_map(region).collect()
}

/// The name of the folder that a file is in, where it is a valid name.
fn folder_name(path: &Path) -> Name {
    let absolute = std::path::absolute(path).unwrap_or_else(|_no_folder| path.to_owned());
    absolute
        .parent()
        .and_then(Path::file_name)
        .and_then(|name| name.to_str()?.parse().ok())
        .or_else(|| "ninefold".parse().ok())
        .unwrap_or_else(Name::unknown)
}

fn node(table: View<'_, '_>) -> Node {
    let default = Node::default();
    let admin = match table.text("admin").map(text::admin) {
        Some(Ok(None)) => None,
        Some(Ok(Some(address))) => Some(AdminAddress {
            address,
            declared: true,
        }),
        Some(Err(_)) | None => default.admin,
    };
    let ports = table.text("ports").and_then(|t| text::ports(t).ok());
    Node {
        state: table.text("state").map(PathBuf::from),
        zone: table.parse("zone"),
        rack: table.parse("rack"),
        admin,
        ports: ports.unwrap_or(default.ports),
        journal_size: table.parse("journal_size").unwrap_or(default.journal_size),
        log_size: table.parse("log_size").unwrap_or(default.log_size),
        drain: table.parse("drain").unwrap_or(default.drain),
        source: None,
    }
}
