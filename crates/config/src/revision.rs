//! Which configuration a node goes by.

use ninefold_core::hash::fnv1a;

use crate::model::File;

/// A hash of what a file declares that is the same on all nodes: services, routes, objectives and claims, and not what
/// holds for one host only. For comparison between nodes of one version of Ninefold.
#[must_use]
pub fn revision(file: &File) -> String {
    let File {
        cluster,
        services,
        listeners,
        slos,
        claims,
        chaos,
        ..
    } = file;
    let routes: Vec<_> = listeners.iter().map(|listener| &listener.routes).collect();
    let text = format!("{:?}", (cluster, services, routes, slos, claims, chaos));
    format!("{:08x}", fnv1a(text.as_bytes()) >> 32)
}
