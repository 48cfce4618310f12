//! Probes.

use super::place;
use crate::build::Built;
use crate::finding::{Draft, KeyPath, Report};
use crate::model::{Check, Probe, ServiceKind};

/// Checks the probes of every service.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    for (name, service) in &built.file.services {
        let path = place::service(name).key("health");
        let external = matches!(service.kind, ServiceKind::External(_));
        let health = &service.health;
        for (key, probe) in [
            ("startup", &health.startup),
            ("ready", &health.ready),
            ("live", &health.live),
        ] {
            let Some(probe) = probe else { continue };
            let at = path.key(key);
            times(probe, &at, report);
            if external {
                elsewhere(key, probe, &at, report);
            }
        }
    }
}

fn times(probe: &Probe, at: &KeyPath, report: &mut Report<'_, '_>) {
    if probe.timeout > probe.every {
        report.check(
            Draft::error(
                "timeout-order",
                &at.key("timeout"),
                format!(
                    "a try may take {}, but the next begins after {}",
                    probe.timeout, probe.every
                ),
            )
            .value(probe.timeout)
            .help(format!(
                "write a `timeout` of at most \"{}\", or a longer `every`",
                probe.every
            )),
            &[at.key("every")],
        );
    }
}

fn elsewhere(key: &str, probe: &Probe, at: &KeyPath, report: &mut Report<'_, '_>) {
    if matches!(probe.check, Check::Exec { .. }) {
        report.check(
            Draft::error(
                "not-applicable",
                &at.key("exec"),
                "a service with `endpoints` has no instance here to run a command for",
            )
            .at_key()
            .help("probe it by `http`, `grpc` or `tcp`"),
            &[],
        );
    }
    if key != "ready" {
        report.check(
            Draft::warning(
                "no-effect",
                at,
                format!("`{key}` has no effect: a service with `endpoints` is never restarted"),
            )
            .at_key()
            .help("write the probe as `ready`, which decides about traffic"),
            &[],
        );
    }
}
