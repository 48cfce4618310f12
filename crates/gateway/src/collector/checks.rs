//! Checks of answers.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;

use super::counter;
use crate::counters::RouteCounters;

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, routes: &[RouteCounters]) -> fmt::Result {
    let checks = routes.iter().flat_map(|route| {
        route.checked.iter().map(|(checked, count)| {
            let labels = vec![
                ("route", &*route.route),
                ("service", &*route.service),
                ("kind", checked.kind()),
                ("result", checked.result()),
            ];
            (labels, *count)
        })
    });
    counter(
        encoder,
        "ninefold_answer_checks",
        "Canaries and votes, by what came of them",
        checks,
    )
}
