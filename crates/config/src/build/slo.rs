//! Objectives.

use std::collections::BTreeMap;

use super::resolve_route;
use super::view::View;
use crate::model::{LatencyObjective, Listener, Name, Ratio, Slo, Span};

/// Builds the objectives that have a valid name.
pub(super) fn slos(root: View<'_, '_>, listeners: &[Listener]) -> BTreeMap<Name, Slo> {
    let table = root.table("slo");
    root.entries("slo")
        .into_iter()
        .filter_map(|(name, _)| Some((name.parse().ok()?, slo(table.table(name), listeners))))
        .collect()
}

fn slo(table: View<'_, '_>, listeners: &[Listener]) -> Slo {
    let route = table.text("route").unwrap_or_default();
    let latency = table.table("latency");
    Slo {
        route: resolve_route(listeners, route)
            .map_or_else(|_unresolved| Name::unknown(), |route| route.name.clone()),
        availability: table.parse("availability"),
        latency: table.value("latency").map(|_| LatencyObjective {
            under: latency.parse("under").unwrap_or(Span::secs(1)),
            share: latency.parse("share").unwrap_or(Ratio::ONE),
        }),
        window: table.parse("window").unwrap_or(Span::secs(30 * 86_400)),
    }
}
