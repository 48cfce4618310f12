//! MTTD, MTTR and MTBF by class, as measured.
//!
//! Mean time to detect is onset to first verdict, mean time to recover onset to the last instance
//! ready again, mean time between failures the mean distance of onsets. Injected incidents have an
//! account of their own: they say how well the detector and the healer work, not how often the
//! services fail. Incidents that were merged into another count once, with that one.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::event::{Incident, IncidentState};
use crate::status::ClassReliability;
use crate::taxonomy::FailureClass;
use crate::time::Timestamp;

#[derive(Default)]
struct Sums {
    incidents: u64,
    detect: Duration,
    recovered: u64,
    recover: Duration,
    first: Option<Timestamp>,
    last: Timestamp,
}

/// The account by class, real ones before injected ones; classes without an incident are left out.
pub fn measure<'a>(incidents: impl IntoIterator<Item = &'a Incident>) -> Vec<ClassReliability> {
    let mut accounts: BTreeMap<(bool, FailureClass), Sums> = BTreeMap::new();
    for incident in incidents {
        if incident.merged_into.is_some() {
            continue;
        }
        let key = (incident.injected.is_some(), incident.class);
        let sums = accounts.entry(key).or_default();
        sums.incidents += 1;
        sums.detect = sums.detect.saturating_add(incident.time_to_detect());
        let closed = incident.state == IncidentState::Closed;
        if let Some(time) = incident.time_to_recover().filter(|_| closed) {
            sums.recovered += 1;
            sums.recover = sums.recover.saturating_add(time);
        }
        let onset = incident.onset;
        sums.first = Some(sums.first.map_or(onset, |first| first.min(onset)));
        sums.last = sums.last.max(onset);
    }
    accounts
        .into_iter()
        .map(|((injected, class), sums)| ClassReliability {
            class,
            injected,
            incidents: sums.incidents,
            mttd_seconds: mean(sums.detect, sums.incidents).unwrap_or(0.0),
            mttr_seconds: mean(sums.recover, sums.recovered),
            mtbf_seconds: sums
                .first
                .and_then(|first| mean(sums.last.since(first), sums.incidents - 1)),
        })
        .collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "incidents are bounded far below 2^53"
)]
fn mean(sum: Duration, count: u64) -> Option<f64> {
    (count > 0).then(|| sum.as_secs_f64() / count as f64)
}
