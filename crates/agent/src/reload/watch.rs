//! The successor beside the present gateway: does it fail more?

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ninefold_config::model::File;
use ninefold_core::slo::{Counts, surely_worse};
use ninefold_gateway::{Compared, Counters};

use super::report::Watched;
use crate::control::Handle;

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A successor that fails less than this share is left alone, however little the present one fails.
const LINE: f64 = 0.01;

/// With fewer requests of the present gateway meanwhile, all that it ever served is looked at.
const ENOUGH: u64 = 50;

/// What is counted as bad: failures, and answers slower than an objective of either file allows.
#[derive(Debug)]
pub(super) struct Watch {
    /// By route, in nanoseconds.
    slow: BTreeMap<String, u64>,
    present_began: Counts,
}

impl Watch {
    /// Begins to look.
    pub(super) fn begin(handle: &Handle, old: &File, new: &File) -> Self {
        // The looser one, where both files have one: tightening an objective slows nobody down.
        let mut slow = BTreeMap::new();
        for file in [new, old] {
            for slo in file.slos.values() {
                let Some(latency) = slo.latency else { continue };
                let under = ninefold_core::time::nanos(latency.under.0);
                let bound = slow.entry(slo.route.to_string()).or_insert(under);
                *bound = under.max(*bound);
            }
        }
        let mut watch = Self {
            slow,
            present_began: Counts::default(),
        };
        if let Some(compared) = handle.lock().parts.gateway.compare() {
            watch.present_began = watch.counts(&compared.present);
        }
        watch
    }

    /// Looks until `limit` is over or the successor burns. Why, if it does.
    pub(super) async fn run(&self, handle: &Handle, limit: Duration) -> (Watched, Option<String>) {
        let end = Instant::now() + limit;
        loop {
            let compared = handle.lock().parts.gateway.compare();
            let Some(compared) = compared else {
                return (Watched::default(), None);
            };
            let (watched, burns) = self.judge(&compared);
            if burns.is_some() || Instant::now() >= end {
                return (watched, burns);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn judge(&self, compared: &Compared) -> (Watched, Option<String>) {
        let ever = self.counts(&compared.present);
        let meanwhile = Counts {
            good: ever.good.saturating_sub(self.present_began.good),
            bad: ever.bad.saturating_sub(self.present_began.bad),
        };
        let present = if meanwhile.total() >= ENOUGH {
            meanwhile
        } else {
            ever
        };
        let successor = self.counts(&compared.successor);
        let watched = Watched {
            present: meanwhile.total(),
            present_bad: meanwhile.bad,
            successor: successor.total(),
            successor_bad: successor.bad,
        };
        let burns = surely_worse(successor, present, LINE).then(|| {
            format!(
                "{} of {} requests failed or were too slow, against {} of {} before",
                successor.bad,
                successor.total(),
                present.bad,
                present.total()
            )
        });
        (watched, burns)
    }

    fn counts(&self, counters: &Counters) -> Counts {
        let mut counts = Counts::default();
        for route in &counters.routes {
            let slow = self.slow.get(&*route.route).map_or(0, |under| {
                let all = route.latency.count();
                all.saturating_sub(route.latency.at_most(*under))
            });
            counts.bad += route.failed + slow;
            counts.good += route.ok.saturating_sub(slow);
        }
        counts
    }
}
