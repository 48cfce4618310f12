//! Limits in their order.

use super::place;
use crate::build::Built;
use crate::finding::{Draft, Report};

/// Checks that each service's limits are in order.
pub(super) fn check(built: &Built<'_, '_>, report: &mut Report<'_, '_>) {
    for (name, service) in &built.file.services {
        let Some(overload) = &service.overload else {
            continue;
        };
        let at = place::service(name).key("overload");
        let limits = [
            ("min_limit", overload.min_limit),
            ("initial_limit", overload.initial_limit),
            ("max_limit", overload.max_limit),
        ];
        for ((low, least), (high, most)) in [(limits[0], limits[1]), (limits[1], limits[2])] {
            if least <= most {
                continue;
            }
            let (low, high) = (at.key(low), at.key(high));
            let spot = if built.written(&high) { &high } else { &low };
            let draft = Draft::error(
                "empty-range",
                spot,
                format!("the limits are out of order: {least} is above {most}"),
            );
            report.check(
                draft.help("write them so that `min_limit` ≤ `initial_limit` ≤ `max_limit`"),
                &[low.clone(), high.clone()],
            );
        }
    }
}
