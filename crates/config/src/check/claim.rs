//! Claims: names, references and bounds.

use std::collections::BTreeSet;

use super::{place, service, slo};
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::Claim;

/// Checks every claim by itself.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    let mut seen = BTreeSet::new();
    for (index, claim) in built.file.claims.iter().enumerate() {
        let path = place::claim(index);
        if !seen.insert(&claim.name) {
            report.check(
                Draft::error(
                    "duplicate-name",
                    &path.key("name"),
                    format!("two claims are named `{}`", claim.name),
                )
                .value(&claim.name)
                .help("write another `name`: reports tell claims apart by it"),
                &[],
            );
        }
        slo::known(built, &claim.slo, &path.key("slo"), report);
        let at = path.key("service");
        if built.written(&at) {
            service::known(built, &claim.service, &at, "this claim", report);
        }
        available(built, claim, &path, report);
        recover(built, claim, &path, report);
    }
    disabled(built, report);
}

fn available(built: &Built<'_, '_>, claim: &Claim, path: &KeyPath, report: &mut Report<'_, '_>) {
    let Some(objective) = built.file.slos.get(&claim.slo).and_then(|s| s.availability) else {
        return;
    };
    if claim.available > objective {
        report.check(
            Draft::warning(
                "stricter-than-slo",
                &path.key("available"),
                format!(
                    "{} during a fault is more than the {objective} that the SLO `{}` promises \
                     without one",
                    claim.available, claim.slo
                ),
            )
            .value(claim.available)
            .help(format!(
                "write at most \"{objective}\", or raise the SLO's `availability`"
            )),
            &[path.key("slo"), place::slo(&claim.slo).key("availability")],
        );
    }
}

fn recover(built: &Built<'_, '_>, claim: &Claim, path: &KeyPath, report: &mut Report<'_, '_>) {
    let ttl_max = built.file.chaos.ttl_max;
    if let Some(recover) = claim.recover.filter(|recover| *recover > ttl_max) {
        report.check(
            Draft::warning(
                "fault-ends-early",
                &path.key("recover"),
                format!("a fault is undone after {ttl_max}, before the {recover} allowed here"),
            )
            .value(recover)
            .help(format!(
                "write a `recover` of at most \"{ttl_max}\", or a longer `chaos.ttl_max`"
            )),
            &[KeyPath::default().key("chaos")],
        );
    }
}

fn disabled(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    if !built.file.chaos.enabled && !built.file.claims.is_empty() {
        report.check(
            Draft::warning(
                "untested-claim",
                &KeyPath::default().key("chaos").key("enabled"),
                "no claim can be tried here: faults may not be injected",
            )
            .help("write `enabled = true` where claims are tried, or expect them UNTESTED"),
            &[],
        );
    }
}
