//! Every detector at every place of its knob, on several traces of a model.

use std::time::Duration;

use ninefold_cluster::detector::{Kind, Request, Setting};
use ninefold_cluster::model::Model;
use ninefold_cluster::qos::{Meter, Qos, Since};
use ninefold_cluster::trace::{Step, Summary};

/// Places of a knob.
const SWEEP: usize = 32;

/// A model's results.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) model: Model,
    /// As shipped, in the order of the kinds.
    pub(crate) shipped: Vec<Pool>,
    /// Knobs from hasty to patient, in the order of the kinds.
    pub(crate) curves: Vec<Vec<Pool>>,
}

/// One setting on all traces.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) setting: Setting,
    pub(crate) each: Vec<Qos>,
}

impl Pool {
    pub(crate) fn kind(&self) -> Kind {
        self.setting.kind()
    }

    pub(crate) fn mistakes(&self) -> u64 {
        self.each.iter().map(Qos::count).sum()
    }

    pub(crate) fn observed(&self) -> Duration {
        self.each.iter().map(|qos| qos.observed).sum()
    }

    /// Mistakes an hour.
    pub(crate) fn rate(&self) -> f64 {
        self.mistakes() as f64 / (self.observed().as_secs_f64() / 3_600.0)
    }

    /// Seconds wrong, all together.
    pub(crate) fn wrong(&self) -> f64 {
        let wrong = |qos: &Qos| (1.0 - qos.query_accuracy) * qos.observed.as_secs_f64();
        self.each.iter().map(wrong).sum()
    }

    /// Seconds: the mean over all traces, and its least and greatest.
    pub(crate) fn mean(&self) -> [f64; 3] {
        spread(self.detections().map(|times| times.mean))
    }

    /// The same of the 99th percentile.
    pub(crate) fn p99(&self) -> [f64; 3] {
        spread(self.detections().map(|times| times.p99))
    }

    fn detections(&self) -> impl Iterator<Item = ninefold_cluster::qos::Detection> {
        self.each.iter().filter_map(|qos| qos.detection)
    }
}

fn spread(times: impl Iterator<Item = Duration>) -> [f64; 3] {
    let times: Vec<f64> = times.map(|time| time.as_secs_f64()).collect();
    let mean = times.iter().sum::<f64>() / times.len().max(1) as f64;
    let least = times.iter().copied().fold(f64::MAX, f64::min);
    [mean, least, times.iter().copied().fold(0.0, f64::max)]
}

/// Runs all of a model.
pub(crate) fn run(model: Model, seeds: u64, count: usize) -> Results {
    let request = Request::default();
    let mut pools: Vec<Pool> = Vec::new();
    for seed in 1..=seeds {
        let steps: Vec<Step> = model.trace(seed).take(count).collect();
        let mut summary = Summary::default();
        steps.iter().for_each(|step| summary.add(step));
        let interval = summary.interval().unwrap_or(Duration::from_millis(100));
        let shipped = Kind::ALL.map(|kind| Setting::shipped(kind, interval, request));
        let swept = Kind::ALL
            .into_iter()
            .flat_map(|kind| Setting::sweep(kind, interval, SWEEP));
        for (index, setting) in shipped.into_iter().chain(swept).enumerate() {
            let mut meter = Meter::new(setting.detector(interval), Since::Sent);
            steps.iter().for_each(|step| meter.step(step));
            let qos = meter.finish();
            match pools.get_mut(index) {
                Some(pool) => pool.each.push(qos),
                None => pools.push(Pool {
                    setting,
                    each: vec![qos],
                }),
            }
        }
    }
    let swept = pools.split_off(Kind::ALL.len());
    let mut swept = swept.into_iter();
    let curves = Kind::ALL.map(|_| swept.by_ref().take(SWEEP).collect());
    Results {
        model,
        shipped: pools,
        curves: Vec::from(curves),
    }
}
