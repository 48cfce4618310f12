//! What keeps one trouble from becoming everybody's.

use std::fmt;

use ninefold_core::policy::breaker::State;
use prometheus_client::encoding::DescriptorEncoder;

use super::{counter, gauge};
use crate::counters::BreakerCounters;

/// The states that a gateway's breaker can have.
const STATES: [State; 3] = [State::Closed, State::Open, State::HalfOpen];

pub(super) fn encode_breakers(
    encoder: &mut DescriptorEncoder<'_>,
    breakers: &[BreakerCounters],
) -> fmt::Result {
    let states = breakers.iter().flat_map(|breaker| {
        STATES.map(|state| {
            let name = state.as_str();
            let labels = vec![("service", &*breaker.service), ("state", name)];
            (labels, u64::from(breaker.state == name))
        })
    });
    gauge(
        encoder,
        "ninefold_breaker_state",
        "1 for the state that the breaker of a service is in",
        states,
    )?;
    let of = |read: fn(&BreakerCounters) -> u64| {
        breakers
            .iter()
            .map(move |breaker| (vec![("service", &*breaker.service)], read(breaker)))
    };
    counter(
        encoder,
        "ninefold_breaker_opened",
        "Times that the breaker of a service opened, also after trials that failed",
        of(|breaker| breaker.opened),
    )?;
    counter(
        encoder,
        "ninefold_breaker_refused_requests",
        "Requests that were not sent because the breaker of their service was open",
        of(|breaker| breaker.refused),
    )
}
