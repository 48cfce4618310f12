//! Addresses and ports that clash.

use std::net::SocketAddr;

use ninefold_core::address::Address;

use super::place;
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{File, ServiceKind};

/// Checks every address of the file against the others.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    let file = &built.file;
    let mut taken: Vec<(Address, &str)> = Vec::new();
    for (path, listener) in place::listeners(file) {
        let at = path.key("address");
        clash(&taken, &listener.address, &at, report);
        if let Some(address) = listener.address.tcp() {
            pool(file, address, &at, report);
            mode(built, &path, report);
        }
        if listener.egress && !listener.address.is_local() {
            let draft = Draft::error(
                "not-local",
                &at,
                "calls of this host's services come from this host, and others are not to make any",
            );
            let help = "write a loopback address, as \"127.0.0.1:15000\", or \"unix:/PATH\"";
            report.check(
                draft.value(&listener.address).help(help),
                &[path.key("egress")],
            );
        }
        taken.push((listener.address.clone(), "another listener"));
    }
    if let Some(admin) = file.node.admin.filter(|admin| admin.declared) {
        let at = KeyPath::default().key("node").key("admin");
        if !admin.address.ip().is_loopback() {
            report.check(
                Draft::error(
                    "admin-not-loopback",
                    &at,
                    "the admin API does not listen beyond loopback: it knows no users",
                )
                .value(admin.address)
                .help(format!(
                    "write \"127.0.0.1:{}\", or \"off\", and reach it from elsewhere through ssh",
                    admin.address.port()
                )),
                &[],
            );
        }
        clash(&taken, &admin.address.into(), &at, report);
        pool(file, admin.address, &at, report);
    }
    loops(file, report);
}

/// Whether both cannot be listened on at once.
fn overlap(one: &Address, other: &Address) -> bool {
    let (Address::Tcp(one), Address::Tcp(other)) = (one, other) else {
        return one == other;
    };
    let any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0
        && one.port() == other.port()
        && (one.ip() == other.ip() || (any && one.is_ipv4() == other.is_ipv4()))
}

fn clash(taken: &[(Address, &str)], address: &Address, at: &KeyPath, report: &mut Report<'_, '_>) {
    if let Some((other, whose)) = taken.iter().find(|(other, _)| overlap(other, address)) {
        report.check(
            Draft::error(
                "port-clash",
                at,
                format!("{whose} listens on `{other}` already"),
            )
            .value(address)
            .help("write another address; routes of one address belong to one `[[listener]]`"),
            &[],
        );
    }
}

/// A port has no permissions.
fn mode(built: &Built<'_, '_>, listener: &KeyPath, report: &mut Report<'_, '_>) {
    let at = listener.key("mode");
    if built.written(&at) {
        let draft = Draft::error(
            "not-applicable",
            &at,
            "a port has no permissions: who reaches it may connect",
        );
        let help = "leave it out, or write `address = \"unix:/PATH\"`";
        report.check(draft.help(help), &[listener.key("address")]);
    }
}

/// Instances get their ports on loopback.
fn pool(file: &File, address: SocketAddr, at: &KeyPath, report: &mut Report<'_, '_>) {
    let supervised = |kind: &ServiceKind| matches!(kind, ServiceKind::Supervised(_));
    let (first, last) = file.node.ports;
    let local = address.ip().is_loopback() || address.ip().is_unspecified();
    if local
        && (first..=last).contains(&address.port())
        && file.services.values().any(|s| supervised(&s.kind))
    {
        report.check(
            Draft::error(
                "port-clash",
                at,
                format!(
                    "port {} is one of {first}-{last}, which instances are given",
                    address.port()
                ),
            )
            .value(address)
            .help("write another port, or another range in `node.ports`"),
            &[KeyPath::default().key("node").key("ports")],
        );
    }
}

fn loops(file: &File, report: &mut Report<'_, '_>) {
    for (name, service) in &file.services {
        let ServiceKind::External(external) = &service.kind else {
            continue;
        };
        for (index, endpoint) in external.endpoints.iter().enumerate() {
            let Ok(address) = endpoint.address.parse::<Address>() else {
                continue;
            };
            let own = file.listeners.iter().find(|listener| {
                let to_self = listener.address == address
                    || (address.is_local() && overlap(&listener.address, &address));
                to_self && listener.routes.iter().any(|r| r.service == *name)
            });
            if own.is_some() {
                report.check(
                    Draft::error(
                        "routing-loop",
                        &place::service(name).key("endpoints").index(index),
                        format!("`{address}` is a listener that routes to `{name}`: requests would go in circles"),
                    )
                    .value(&address)
                    .help("write the address of the service itself"),
                    &[KeyPath::default().key("listener")],
                );
            }
        }
    }
}
