//! How a service's endpoints share its traffic.

use super::place;
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{Balance, External, Redundancy, Service, ServiceKind};

/// Checks `balance` of every service, and its backups.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    for (name, service) in &built.file.services {
        let path = place::service(name);
        let at = path.key("balance");
        if built.written(&at) {
            balance(built, service, &at, report);
        }
        if let ServiceKind::External(external) = &service.kind {
            weights(built, service, external, &path.key("endpoints"), report);
            backups(external, &path.key("endpoints"), report);
        }
    }
}

fn balance(built: &Built<'_, '_>, service: &Service, at: &KeyPath, report: &mut Report<'_, '_>) {
    let passive = match &service.kind {
        ServiceKind::Supervised(supervised) => supervised.redundancy == Redundancy::ActivePassive,
        ServiceKind::External(_) => false,
    };
    if passive {
        let draft = Draft::warning(
            "no-effect",
            at,
            "`balance` has no effect: one replica takes all traffic",
        )
        .at_key()
        .help("remove it, or write `redundancy = \"active-active\"`");
        return report.check(draft, &[]);
    }
    let (hash, prequal) = match &service.balance {
        Balance::Hash(_) => (true, false),
        Balance::Prequal(_) => (false, true),
        Balance::P2c | Balance::LeastRequest | Balance::RoundRobin => (false, false),
    };
    let by_key = ("place requests by a key", "\"ring-hash\"` or `\"maglev\"`");
    let by_load = ("ask endpoints for their load", "\"prequal\"`");
    for (key, fits, (does, which)) in [
        ("key", hash, by_key),
        ("overload", hash, by_key),
        ("probe", prequal, by_load),
    ] {
        let at = at.key(key);
        if !fits && built.written(&at) {
            let name = service.balance.name();
            let message = format!("`{key}` has no effect: `{name}` does not {does}");
            let draft = Draft::warning("no-effect", &at, message)
                .at_key()
                .help(format!("write `algorithm = {which}, or remove it"));
            report.check(draft, &[]);
        }
    }
}

/// Who says of its load says how much it can do, too.
fn weights(
    built: &Built<'_, '_>,
    service: &Service,
    external: &External,
    at: &KeyPath,
    report: &mut Report<'_, '_>,
) {
    if !matches!(service.balance, Balance::Prequal(_)) {
        return;
    }
    let endpoints = 0..external.endpoints.len();
    let keys = endpoints.map(|index| at.index(index).key("weight"));
    for at in keys.filter(|at| built.written(at)) {
        let message = "`weight` has no effect: `prequal` goes by the load that endpoints tell";
        let draft = Draft::warning("no-effect", &at, message).at_key();
        let help = "remove it, or balance by another algorithm";
        report.check(draft.help(help), &[]);
    }
}

fn backups(external: &External, at: &KeyPath, report: &mut Report<'_, '_>) {
    let endpoints = &external.endpoints;
    if !endpoints.is_empty() && endpoints.iter().all(|endpoint| endpoint.backup) {
        let draft = Draft::error(
            "impossible-redundancy",
            at,
            "every endpoint is a backup: none takes traffic first",
        )
        .at_key()
        .help("remove `backup` from those that are to take traffic");
        report.check(draft, &[]);
    }
}
