//! Claims.

use std::collections::BTreeMap;

use super::resolve_route;
use super::view::View;
use crate::model::{Claim, Listener, Load, LoadRequest, Name, Rate, Ratio, Route, Slo, Survive};

/// Builds the claims; each keeps the index that it has in the file.
pub(super) fn claims(
    root: View<'_, '_>,
    slos: &BTreeMap<Name, Slo>,
    listeners: &[Listener],
) -> Vec<Claim> {
    let tables = root.tables("claim");
    tables
        .into_iter()
        .map(|table| claim(table, slos, listeners))
        .collect()
}

fn claim(table: View<'_, '_>, slos: &BTreeMap<Name, Slo>, listeners: &[Listener]) -> Claim {
    let slo: Name = table.parse("slo").unwrap_or_else(Name::unknown);
    let route = slos
        .get(&slo)
        .and_then(|slo| resolve_route(listeners, &slo.route).ok());
    Claim {
        name: table.text("name").unwrap_or_default().to_owned(),
        survive: survive(table.table("survive")),
        service: table
            .parse("service")
            .or_else(|| route.map(|route| route.service.clone()))
            .unwrap_or_else(Name::unknown),
        slo,
        available: table.parse("available").unwrap_or(Ratio::ONE),
        recover: table.parse("recover"),
        lose: table.integer("lose"),
        load: load(table.table("load"), route),
    }
}

fn survive(table: View<'_, '_>) -> Survive {
    if let Some(hang) = table.integer("hang") {
        Survive::Hang(hang)
    } else if let Some(zones) = table.integer("zones") {
        Survive::Zones(zones)
    } else if let Some(nodes) = table.integer("nodes") {
        Survive::Nodes(nodes)
    } else if let Some(nodes) = table.integer("partition") {
        let one_way = table.flag("one_way").unwrap_or(false);
        Survive::Partition { nodes, one_way }
    } else if let Some(gray) = table.integer("gray") {
        Survive::Gray(gray)
    } else if let Some(errors) = table.integer("errors") {
        Survive::Errors(errors)
    } else if let Some(resets) = table.integer("resets") {
        Survive::Resets(resets)
    } else if let Some(wrong) = table.integer("wrong_answers") {
        Survive::WrongAnswers(wrong)
    } else {
        Survive::Instances(table.integer("instances").unwrap_or(1))
    }
}

fn load(table: View<'_, '_>, route: Option<&Route>) -> Load {
    let mut requests: Vec<_> = table
        .tables("requests")
        .into_iter()
        .map(|request| LoadRequest {
            method: request.text("method").unwrap_or("GET").to_owned(),
            path: request.text("path").unwrap_or("/").to_owned(),
            headers: request.text_map("headers"),
            body: request.text("body").map(str::to_owned),
        })
        .collect();
    if let (true, Some(route)) = (requests.is_empty(), route) {
        requests.push(default_request(route));
    }
    Load {
        rate: table.parse("rate").unwrap_or(Rate::per_second(100)),
        requests,
        check: table.text("check").map(str::to_owned),
    }
}

/// One GET on the route's path, with its host where it has one.
fn default_request(route: &Route) -> LoadRequest {
    let host = route.host.as_ref().map(|host| {
        // Any subdomain will do.
        ("host".to_owned(), host.replacen('*', "ninefold", 1))
    });
    LoadRequest {
        method: "GET".to_owned(),
        path: route.path.clone(),
        headers: host.into_iter().collect(),
        body: None,
    }
}
