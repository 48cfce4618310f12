//! Faults of claims against what is there to survive them.

use super::{claim_answers, claim_nodes, place};
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{
    Claim, Ejection, External, Listener, Protocol, Route, Service, ServiceKind, Span, Spread,
    Supervised, Survive,
};

/// Checks the fault of every claim.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    for (index, claim) in built.file.claims.iter().enumerate() {
        let path = place::claim(index);
        claim_nodes::one_way(built, claim, &path, report);
        if let Survive::Zones(zones) = claim.survive {
            zone_fault(built, claim, zones, &path, report);
            continue;
        }
        if claim.survive.of_nodes() {
            claim_nodes::check(built, claim, &path, report);
            continue;
        }
        let Some(service) = built.file.services.get(&claim.service) else {
            continue;
        };
        if claim.survive.in_gateway() {
            requests(built, claim, &path, report);
        }
        claim_answers::check(built, claim, &path, report);
        match &service.kind {
            ServiceKind::External(there) if claim.survive.in_gateway() => {
                endpoint_fault(claim, service, there, &path, report);
            }
            ServiceKind::External(_) => external(claim, &path, report),
            ServiceKind::Supervised(supervised) => {
                instance_fault(claim, supervised, &path, report);
                if matches!(claim.survive, Survive::Hang(_)) {
                    liveness(claim, service, &path, report);
                }
            }
        }
    }
}

pub(super) fn service_path(claim: &Claim, key: &str) -> KeyPath {
    place::service(&claim.service).key(key)
}

/// The gateway does something to requests, and sees none where it passes connections on.
fn requests(built: &Built<'_, '_>, claim: &Claim, path: &KeyPath, report: &mut Report<'_, '_>) {
    let leads = |listener: &&Listener| {
        let mut services = listener.routes.iter().flat_map(Route::services);
        services.any(|service| *service == claim.service)
    };
    let mut listeners = built.file.listeners.iter().filter(leads).peekable();
    if listeners.peek().is_none() || listeners.any(|one| one.protocol != Protocol::Tcp) {
        return;
    }
    let (name, (key, _)) = (&claim.service, claim.survive.key());
    report.check(
        Draft::warning(
            "untested-claim",
            &path.key("survive").key(key),
            format!("this claim cannot be tried: `{name}` is reached by `tcp` only, and this is done to requests"),
        )
        .at_key()
        .help("write a `service` that is reached by HTTP, or another fault"),
        &[path.key("slo"), path.key("service")],
    );
}

pub(super) fn external(claim: &Claim, path: &KeyPath, report: &mut Report<'_, '_>) {
    let name = &claim.service;
    report.check(
        Draft::warning(
            "untested-claim",
            &path.key("survive"),
            format!(
                "this claim cannot be tried: `{name}` runs elsewhere, there is no process to kill or to stop"
            ),
        )
        .help(
            "write `gray`, `errors`, `resets` or `wrong_answers`, which the gateway does, or the `service` that Ninefold \
             starts, or expect UNTESTED",
        ),
        &[path.key("slo"), path.key("service")],
    );
}

fn instance_fault(
    claim: &Claim,
    service: &Supervised,
    path: &KeyPath,
    report: &mut Report<'_, '_>,
) {
    let (key, count) = claim.survive.key();
    let verb = participle(claim.survive);
    let at = path.key("survive").key(key);
    let name = &claim.service;
    let replicas = service.replicas;
    let related = [
        path.key("slo"),
        path.key("service"),
        service_path(claim, "replicas"),
        service_path(claim, "min_ready"),
    ];
    if count > replicas {
        report.check(
            Draft::error(
                "impossible-claim",
                &at,
                format!("so many instances cannot be {verb}: `{name}` has {replicas}"),
            )
            .value(count)
            .help(format!("write at most {replicas}, or more `replicas`")),
            &related,
        );
    } else if claim.survive.in_gateway() {
        if count == replicas {
            report.check(
                nowhere_else(&at, count, verb, ("instance", "replicas")),
                &related,
            );
        }
    } else if replicas - count < service.min_ready {
        report.check(
            Draft::warning(
                "cannot-hold",
                &at,
                format!(
                    "with {count} of {replicas} instances {verb}, `{name}` is out: it needs {}",
                    service.min_ready
                ),
            )
            .value(count)
            .help(format!(
                "write at least {} `replicas`, or expect REFUTED",
                count.saturating_add(service.min_ready)
            )),
            &related,
        );
    }
}

/// What becomes of the instances.
const fn participle(survive: Survive) -> &'static str {
    match survive {
        Survive::Instances(_) | Survive::Zones(_) | Survive::Nodes(_) => "killed",
        Survive::Partition { .. } => "cut off",
        Survive::Hang(_) => "hung",
        Survive::Gray(_) => "slow",
        Survive::Errors(_) => "failing",
        Survive::Resets(_) => "breaking connections",
        Survive::WrongAnswers(_) => "answering wrongly",
    }
}

/// It falls on all of them: `count` of what `what` names, and the key that makes more of them.
fn nowhere_else(at: &KeyPath, count: u32, verb: &str, (what, more): (&str, &str)) -> Draft {
    let (whom, help) = match count {
        1 => (
            format!("the only {what}"),
            format!("write more `{more}`, or expect REFUTED"),
        ),
        _ => (
            format!("all {count} {what}s"),
            format!("write less than {count}, or expect REFUTED"),
        ),
    };
    Draft::warning(
        "cannot-hold",
        at,
        format!("with {whom} {verb}, traffic has nowhere else to go"),
    )
    .value(count)
    .help(help)
}

/// A fault in the gateway on endpoints that run elsewhere. How many will be found, nobody knows.
fn endpoint_fault(
    claim: &Claim,
    service: &Service,
    there: &External,
    path: &KeyPath,
    report: &mut Report<'_, '_>,
) {
    // None that takes traffic is a finding of its own.
    if there.source.is_some() || there.endpoints.iter().all(|one| one.backup) {
        return;
    }
    let (key, count) = claim.survive.key();
    let (at, verb) = (path.key("survive").key(key), participle(claim.survive));
    let number = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
    let all = number(there.endpoints.len());
    let backups = number(there.endpoints.iter().filter(|one| one.backup).count());
    let others = all.saturating_sub(backups);
    let name = &claim.service;
    let related = [
        path.key("slo"),
        path.key("service"),
        service_path(claim, "endpoints"),
        service_path(claim, "ejection"),
    ];
    if count > others {
        let apart = if backups > 0 { ", backups apart" } else { "" };
        report.check(
            Draft::error(
                "impossible-claim",
                &at,
                format!("so many endpoints cannot be {verb}: `{name}` has {others}{apart}"),
            )
            .value(count)
            .help(format!("write at most {others}, or more `endpoints`")),
            &related,
        );
    } else if count == others && backups == 0 {
        report.check(
            nowhere_else(&at, count, verb, ("endpoint", "endpoints")),
            &related,
        );
    } else if count == others
        && let Some((why, help)) = no_backup(claim, service, all)
    {
        let draft = Draft::warning("cannot-hold", &at, why).value(count);
        report.check(draft.help(help), &related);
    }
}

/// Why the backups do not stand in when all others suffer, and what to do about it.
fn no_backup(claim: &Claim, service: &Service, all: u32) -> Option<(String, &'static str)> {
    let (_, count) = claim.survive.key();
    if matches!(claim.survive, Survive::Gray(_)) {
        let why = "who is slow is ejected beside faster peers only: where all but the backups are slow, \
                   nobody is, and the backups take no traffic";
        return Some((why.to_owned(), "write less, or expect REFUTED"));
    }
    let may_leave = may_be_ejected(service, all);
    let why = format!(
        "backups serve while no other is in rotation, and of the {all} endpoints of `{}` {may_leave} \
         may be ejected at once: not all that are {}",
        claim.service,
        participle(claim.survive)
    );
    let help = "write more `ejection.max_share`, or expect REFUTED";
    (count > may_leave).then_some((why, help))
}

/// How many of so many endpoints may be ejected at once, as [`Ejection`] says.
fn may_be_ejected(service: &Service, all: u32) -> u32 {
    let Ejection {
        failures,
        max_share,
        ..
    } = service.ejection;
    if failures == 0 {
        return 0;
    }
    let share = u64::from(all) * max_share.parts_per_billion() / 1_000_000_000;
    u32::try_from(share).unwrap_or(all).max(1)
}

fn liveness(claim: &Claim, service: &Service, path: &KeyPath, report: &mut Report<'_, '_>) {
    let name = &claim.service;
    let health = service_path(claim, "health");
    let related = [path.key("slo"), path.key("service"), health];
    let Some(live) = &service.health.live else {
        report.check(
            Draft::warning(
                "no-liveness",
                &path.key("survive").key("hang"),
                format!("nothing restarts a hung instance: `{name}` has no `live` probe"),
            )
            .help(format!(
                "write `health = {{ live = \"/…\" }}` in `[service.{name}]`"
            )),
            &related,
        );
        return;
    };
    // The first try may begin right after the fault, and each takes its whole timeout.
    let waits = live.failures.saturating_sub(1);
    let noticed = live
        .every
        .0
        .saturating_mul(waits)
        .saturating_add(live.timeout.0);
    if let Some(recover) = claim.recover.filter(|recover| recover.0 < noticed) {
        report.check(
            Draft::warning(
                "cannot-hold",
                &path.key("recover"),
                format!(
                    "a hung instance of `{name}` is noticed after {} at the earliest, and then \
                     restarted: {recover} is not enough for that",
                    Span(noticed)
                ),
            )
            .value(recover)
            .help(
                "write a longer `recover`, or a `live` probe with shorter times or less `failures`",
            ),
            &related,
        );
    }
}

fn zone_fault(
    built: &Built<'_, '_>,
    claim: &Claim,
    zones: u32,
    path: &KeyPath,
    report: &mut Report<'_, '_>,
) {
    let at = path.key("survive").key("zones");
    let all = u32::try_from(built.file.cluster.zones.len()).unwrap_or(u32::MAX);
    let related = [KeyPath::default().key("cluster")];
    if zones > all {
        report.check(
            Draft::error(
                "impossible-claim",
                &at,
                format!("so many zones cannot go dark: the cluster has {all}"),
            )
            .value(zones)
            .help("write the zones in `[cluster]`, as in `zones = [\"a\", \"b\", \"c\"]`"),
            &related,
        );
        return;
    }
    let supervised = |service: &Service| matches!(service.kind, ServiceKind::Supervised(_));
    if !built.file.services.values().any(supervised) {
        external(claim, path, report);
        return;
    }
    let Some(service) = built.file.services.get(&claim.service) else {
        return;
    };
    let ServiceKind::Supervised(service) = &service.kind else {
        return;
    };
    let left = left_in_zones(service, all, zones);
    if left < service.min_ready {
        report.check(
            Draft::warning(
                "cannot-hold",
                &at,
                format!(
                    "with {zones} of {all} zones dark, {left} of {} instances of `{}` may be \
                     left: it needs {}",
                    service.replicas, claim.service, service.min_ready
                ),
            )
            .value(zones)
            .help("write more `replicas`, `spread = \"zone\"`, or more zones, or expect REFUTED"),
            &[
                KeyPath::default().key("cluster"),
                path.key("slo"),
                path.key("service"),
                service_path(claim, "replicas"),
                service_path(claim, "min_ready"),
                service_path(claim, "spread"),
            ],
        );
    }
}

/// The instances that are left when the zones with the most instances go dark.
fn left_in_zones(service: &Supervised, all: u32, dark: u32) -> u32 {
    if service.spread == Spread::None {
        // All of them may be in one zone.
        return 0;
    }
    // In turn: the first `replicas % all` zones have one more than the others.
    let (each, more) = (service.replicas / all.max(1), service.replicas % all.max(1));
    let lost = each * dark + more.min(dark);
    service.replicas.saturating_sub(lost)
}
