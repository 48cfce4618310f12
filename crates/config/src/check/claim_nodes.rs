//! Faults of whole nodes against what is there to survive them.
//!
//! How many nodes there will be, no file says. What is warned of cannot hold with any number of them: N nodes have
//! N replicas at least, where there are so many, since replicas are dealt to nodes in turn.

use super::claim_fault::{external, service_path};
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{Claim, Service, ServiceKind, Supervised, Survive};

/// Checks a fault of nodes.
pub(super) fn check(
    built: &Built<'_, '_>,
    claim: &Claim,
    path: &KeyPath,
    report: &mut Report<'_, '_>,
) {
    let supervised = |service: &Service| matches!(service.kind, ServiceKind::Supervised(_));
    if !built.file.services.values().any(supervised) {
        external(claim, path, report);
        return;
    }
    let kind = built
        .file
        .services
        .get(&claim.service)
        .map(|service| &service.kind);
    if let Some(ServiceKind::Supervised(service)) = kind {
        replicas(claim, service, path, report);
    }
}

fn replicas(claim: &Claim, service: &Supervised, path: &KeyPath, report: &mut Report<'_, '_>) {
    let (key, count) = claim.survive.key();
    let left = service.replicas.saturating_sub(count);
    if left >= service.min_ready {
        return;
    }
    let gone = match claim.survive {
        Survive::Partition { .. } => "cut off",
        _ => "dead",
    };
    let nodes = if count == 1 { "node" } else { "nodes" };
    report.check(
        Draft::warning(
            "cannot-hold",
            &path.key("survive").key(key),
            format!(
                "with {count} {nodes} {gone}, {left} of {} instances of `{}` may be left: it needs {}",
                service.replicas, claim.service, service.min_ready
            ),
        )
        .value(count)
        .help(format!(
            "write at least {} `replicas`, and run as many nodes, or expect REFUTED",
            count.saturating_add(service.min_ready)
        )),
        &[
            path.key("slo"),
            path.key("service"),
            service_path(claim, "replicas"),
            service_path(claim, "min_ready"),
        ],
    );
}

/// `one_way` says something of a partition only.
pub(super) fn one_way(
    built: &Built<'_, '_>,
    claim: &Claim,
    path: &KeyPath,
    report: &mut Report<'_, '_>,
) {
    let at = path.key("survive").key("one_way");
    if matches!(claim.survive, Survive::Partition { .. }) || !built.written(&at) {
        return;
    }
    report.check(
        Draft::warning(
            "no-effect",
            &at,
            "`one_way` has no effect without `partition`",
        )
        .at_key()
        .help("write `partition = 1`, or remove it"),
        &[path.key("survive").key(claim.survive.key().0)],
    );
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// How one claim on three replicas is warned of.
    fn findings(survive: &str, service: &str) -> Vec<String> {
        let text = format!(
            "[service.web]\nrun = [\"x\", \"{{address}}\"]\n{service}\n\
             [[listener]]\naddress = \"127.0.0.1:80\"\n[[listener.route]]\npath = \"/\"\nservice = \"web\"\n\
             [slo.web]\nroute = \"/\"\navailability = \"99%\"\n\
             [[claim]]\nname = \"c\"\nslo = \"web\"\navailable = \"99%\"\nsurvive = {{ {survive} }}\n"
        );
        let outcome = crate::parse(&text, Path::new("x.toml"));
        let all = outcome.findings.iter();
        all.map(|finding| format!("{} {}", finding.code, finding.message))
            .collect()
    }

    #[test]
    fn what_no_number_of_nodes_survives_is_warned_of() {
        let none: [String; 0] = [];
        assert_eq!(findings("nodes = 1", "replicas = 2"), none);
        assert_eq!(findings("partition = 2", "replicas = 3"), none);
        assert_eq!(
            findings("nodes = 1", "replicas = 1"),
            ["cannot-hold with 1 node dead, 0 of 1 instances of `web` may be left: it needs 1"]
        );
        assert_eq!(
            findings(
                "partition = 2, one_way = true",
                "replicas = 3\nmin_ready = 2"
            ),
            ["cannot-hold with 2 nodes cut off, 1 of 3 instances of `web` may be left: it needs 2"]
        );
        assert_eq!(
            findings("nodes = 1, one_way = true", "replicas = 2"),
            ["no-effect `one_way` has no effect without `partition`"]
        );
    }
}
