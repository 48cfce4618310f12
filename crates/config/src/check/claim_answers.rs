//! Claims about wrong answers against who would find them.

use super::claim_fault::service_path;
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{Answers, Claim, Route, ServiceKind, Survive};

/// Checks that somebody looks at what the claim's service answers, and may act upon it.
pub(super) fn check(
    built: &Built<'_, '_>,
    claim: &Claim,
    path: &KeyPath,
    report: &mut Report<'_, '_>,
) {
    let Survive::WrongAnswers(count) = claim.survive else {
        return;
    };
    let at = path.key("survive").key("wrong_answers");
    let name = &claim.service;
    let routes = built.file.listeners.iter();
    let routes = routes.flat_map(|listener| &listener.routes);
    let there = routes.filter(|route: &&Route| route.service == *name);
    let checks: Vec<&Answers> = there.filter_map(|route| route.answers.as_ref()).collect();
    let related = [path.key("slo"), path.key("service")];
    if checks.is_empty() {
        let message =
            format!("nobody looks at what `{name}` answers: no route to it has `answers`");
        let draft = Draft::warning("cannot-hold", &at, message).at_key();
        let help =
            "write `answers` for a route to it, with a `canary` or a `vote`, or expect REFUTED";
        report.check(draft.help(help), &related);
        return;
    }
    let service = built.file.services.get(name);
    let instances = service.and_then(|service| match &service.kind {
        ServiceKind::Supervised(supervised) => Some(supervised.replicas),
        ServiceKind::External(external) if external.source.is_some() => None,
        ServiceKind::External(external) => u32::try_from(external.endpoints.len()).ok(),
    });
    let Some(instances) = instances.filter(|instances| count < *instances) else {
        // Too many, and all of them, are findings of their own.
        return;
    };
    let voted = checks.iter().all(|answers| answers.canaries.is_empty());
    let why = if count.saturating_mul(2) > instances {
        format!("of {instances} instances no more than half are put into quarantine")
    } else if voted && instances < count.saturating_mul(2).saturating_add(1) {
        format!("with votes alone, {count} of {instances} that answer otherwise are no minority")
    } else {
        return;
    };
    let draft = Draft::warning("cannot-hold", &at, why).value(count);
    let help = "write more instances, or expect REFUTED";
    let replicas = service_path(claim, "replicas");
    let [slo, service] = related;
    report.check(draft.help(help), &[slo, service, replicas]);
}
