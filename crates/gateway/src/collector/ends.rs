//! How requests ended that did not end well.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;

use super::counter;
use crate::counters::RouteCounters;

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, routes: &[RouteCounters]) -> fmt::Result {
    let ends = routes.iter().flat_map(|route| {
        route.ends.iter().map(|(end, count)| {
            let labels = vec![
                ("route", &*route.route),
                ("by", end.by()),
                ("phase", end.phase_name()),
                ("cause", end.cause()),
            ];
            (labels, *count)
        })
    });
    counter(
        encoder,
        "ninefold_request_ends",
        "Requests that did not end well, by who ended them, in which phase, and why",
        ends,
    )
}
