//! Detectors, each with its knob somewhere, all on one trace.

use std::thread;
use std::time::Duration;

use ninefold_cluster::detector::{Detector, Kind, Request, Setting};
use ninefold_cluster::qos::{Meter, Qos, Since};
use ninefold_cluster::trace::Step;

/// Places of a knob in a sweep.
const SWEEP: usize = 24;

/// One detector with its knob at one place, and what it was worth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub(super) setting: Setting,
    pub(super) qos: Qos,
}

/// All that goes over a trace.
#[derive(Debug)]
pub(super) struct Bench {
    meters: Vec<(Setting, Meter<Detector>)>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Results {
    /// Each as it is shipped.
    pub(super) shipped: Vec<Measured>,
    /// Each with its knob turned from hasty to patient; empty where that was not asked for.
    pub(super) curve: Vec<(Kind, Vec<Measured>)>,
}

impl Bench {
    /// Every detector as it is shipped and, for a curve, at all places of its knob.
    pub(super) fn new(interval: Duration, request: Request, since: Since, curve: bool) -> Self {
        let shipped = Kind::ALL
            .into_iter()
            .map(|kind| Setting::shipped(kind, interval, request));
        let swept = Kind::ALL
            .into_iter()
            .filter(|_| curve)
            .flat_map(|kind| Setting::sweep(kind, interval, SWEEP));
        let meters = shipped.chain(swept).map(|setting| {
            let detector = setting.detector(interval);
            (setting, Meter::new(detector, since))
        });
        Self {
            meters: meters.collect(),
        }
    }

    /// Goes over the next steps, on all cores.
    pub(super) fn steps(&mut self, steps: &[Step]) {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let share = self.meters.len().div_ceil(workers).max(1);
        thread::scope(|scope| {
            for meters in self.meters.chunks_mut(share) {
                scope.spawn(move || {
                    for (_, meter) in meters {
                        for step in steps {
                            meter.step(step);
                        }
                    }
                });
            }
        });
    }

    /// What came of it.
    pub(super) fn finish(self) -> Results {
        let mut measured = self.meters.into_iter().map(|(setting, meter)| Measured {
            setting,
            qos: meter.finish(),
        });
        let shipped = measured.by_ref().take(Kind::ALL.len()).collect();
        let swept: Vec<Measured> = measured.collect();
        let curve = swept.chunks(SWEEP).filter_map(|points| {
            let kind = points.first()?.setting.kind();
            Some((kind, points.to_vec()))
        });
        Results {
            shipped,
            curve: curve.collect(),
        }
    }
}
