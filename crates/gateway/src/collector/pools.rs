//! Who takes the traffic of each service.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;

use super::gauge;
use crate::counters::{PoolCounters, ZoneCounters};

/// Who takes the traffic of each service.
pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, pools: &[PoolCounters]) -> fmt::Result {
    let of = |read: fn(&PoolCounters) -> u64| {
        pools
            .iter()
            .map(move |pool| (vec![("service", &*pool.service)], read(pool)))
    };
    gauge(
        encoder,
        "ninefold_endpoints_in_rotation",
        "Endpoints of a service that take traffic: its backups while no other one does",
        of(|pool| pool.in_rotation),
    )?;
    gauge(
        encoder,
        "ninefold_endpoints_wanted",
        "Endpoints of a service that should take traffic",
        of(|pool| pool.of),
    )?;
    gauge(
        encoder,
        "ninefold_on_backups",
        "1 while the backups of a service take its traffic",
        of(|pool| u64::from(pool.backups)),
    )?;
    gauge(
        encoder,
        "ninefold_endpoints_degraded",
        "Endpoints of a service in rotation that say they are degraded, while others do not",
        of(|pool| pool.degraded),
    )?;
    let too_few = pools.iter().map(|pool| {
        let then = pool.when_too_few.name();
        let labels = vec![("service", &*pool.service), ("when_too_few", then)];
        (labels, u64::from(pool.too_few))
    });
    gauge(
        encoder,
        "ninefold_too_few_endpoints",
        "1 while a service has too few endpoints in rotation, with what follows from it",
        too_few,
    )?;
    zone(
        encoder,
        "ninefold_zone_share",
        "Share of a service's traffic in this gateway that goes to a zone, 0 to 1",
        pools,
        |zone| zone.share,
    )?;
    zone(
        encoder,
        "ninefold_zone_in_rotation",
        "Weight of a service's endpoints in rotation in a zone",
        pools,
        |zone| zone.in_rotation,
    )
}

fn zone(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    pools: &[PoolCounters],
    read: fn(&ZoneCounters) -> f64,
) -> fmt::Result {
    let values = pools.iter().flat_map(|pool| {
        let value = |zone| {
            let labels = vec![("service", &*pool.service), ("zone", name_of(zone))];
            (labels, read(zone))
        };
        pool.zones.iter().map(value)
    });
    gauge(encoder, name, help, values)
}

fn name_of(zone: &ZoneCounters) -> &str {
    zone.zone.as_deref().unwrap_or("none")
}
