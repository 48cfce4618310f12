//! Checks of answers.

use super::place;
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{Answers, COMPARED_MAX, Canary, KnownBody, Redundancy, Route, ServiceKind};

/// Checks the `answers` of every route.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    for (path, route) in place::routes(&built.file) {
        let Some(answers) = &route.answers else {
            continue;
        };
        let at = path.key("answers");
        let listed = built.written(&at.key("canary").index(0));
        for (index, canary) in answers.canaries.iter().enumerate() {
            let at = at.key("canary");
            let at = if listed { at.index(index) } else { at };
            times(canary, &at, report);
            aim(canary, route, (&at, &path), report);
            size(canary, &at, report);
        }
        if answers.vote.is_some() {
            reads(route, (&at, &path), report);
        }
        enough(built, answers, route, (&at, &path), report);
    }
}

fn times(canary: &Canary, at: &KeyPath, report: &mut Report<'_, '_>) {
    if canary.timeout > canary.every {
        let message = format!(
            "a try may take {}, but the next begins after {}",
            canary.timeout, canary.every
        );
        let draft = Draft::error("timeout-order", &at.key("timeout"), message);
        let help = format!(
            "write a `timeout` of at most \"{}\", or a longer `every`",
            canary.every
        );
        report.check(draft.value(canary.timeout).help(help), &[at.key("every")]);
    }
}

fn aim(
    canary: &Canary,
    route: &Route,
    (at, path): (&KeyPath, &KeyPath),
    report: &mut Report<'_, '_>,
) {
    if !route.covers(&canary.path) {
        let message = format!(
            "no request for this path takes this route, which is `{}`",
            route.path
        );
        let draft = Draft::error("invalid-value", &at.key("path"), message);
        let help = "write a path within that of the route, or move the canary to its own route";
        report.check(draft.value(&canary.path).help(help), &[path.key("path")]);
    }
}

fn size(canary: &Canary, at: &KeyPath, report: &mut Report<'_, '_>) {
    if let KnownBody::Text(text) = &canary.body
        && u64::try_from(text.len()).unwrap_or(u64::MAX) > COMPARED_MAX
    {
        let message = format!(
            "a body of {} bytes: at most {COMPARED_MAX} are compared",
            text.len()
        );
        let draft = Draft::error("out-of-range", &at.key("expect").key("body"), message);
        report.check(draft.help("ask for something smaller"), &[]);
    }
}

fn reads(route: &Route, (at, path): (&KeyPath, &KeyPath), report: &mut Report<'_, '_>) {
    if route.methods.is_empty() || route.methods.iter().any(|method| method == "GET") {
        return;
    }
    let message = "nothing is compared: the route has no GET";
    let draft = Draft::warning("no-effect", &at.key("vote"), message);
    let help = "leave it out, or write \"GET\" among the `methods`";
    report.check(draft.help(help), &[path.key("methods")]);
}

/// Who is wrong only shows beside others.
fn enough(
    built: &Built<'_, '_>,
    answers: &Answers,
    route: &Route,
    (at, path): (&KeyPath, &KeyPath),
    report: &mut Report<'_, '_>,
) {
    let service = built.file.services.get(&route.service);
    let instances = service.and_then(|service| match &service.kind {
        ServiceKind::Supervised(supervised) => usize::try_from(supervised.replicas).ok(),
        ServiceKind::External(external) if external.source.is_some() => None,
        ServiceKind::External(external) => Some(external.endpoints.len()),
    });
    if let Some(ServiceKind::Supervised(supervised)) = service.map(|service| &service.kind)
        && supervised.redundancy == Redundancy::ActivePassive
        && answers.vote.is_some()
    {
        let message = "nothing is voted on: a standby that is behind is not wrong";
        let draft = Draft::warning("no-effect", &at.key("vote"), message).at_key();
        let redundancy = place::service(&route.service).key("redundancy");
        report.check(draft.help("write a `canary` instead"), &[redundancy]);
        return;
    }
    let Some(instances) = instances else { return };
    let (key, message) = match instances {
        0 | 1 => (
            at.clone(),
            "with one instance nobody is taken out: there is no other to compare with",
        ),
        2 if answers.vote.is_some() => (
            at.key("vote"),
            "two instances that differ accuse each other, and neither is taken out",
        ),
        _ => return,
    };
    let draft = Draft::warning("no-effect", &key, message).at_key();
    let help = "run three instances or more: then two of them outvote a third";
    report.check(draft.help(help), &[path.key("service")]);
}
