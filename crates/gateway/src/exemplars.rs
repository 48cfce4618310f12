//! Requests that stand for others, as a scraper is told.

use std::sync::Arc;

use ninefold_core::time::Timestamp;
use ninefold_observe::metrics;

use crate::meter::{CLASSIC, CLASSIC_BUCKETS, Exemplar, RouteCells};
use crate::request_end::RequestEnd;

/// The newest request of each bucket of a route's durations and of each of its bad ends, if its
/// trace is recorded. They live in memory only; no other process is told of them.
#[derive(Clone, Debug, Default)]
pub struct Exemplars {
    pub(crate) routes: Vec<RouteExemplars>,
}

/// Those of one route.
#[derive(Clone, Debug)]
pub(crate) struct RouteExemplars {
    pub(crate) route: Arc<str>,
    /// By classic bucket.
    pub(crate) slow: Vec<Option<Exemplar>>,
    /// By end.
    pub(crate) ended: Vec<Option<Exemplar>>,
}

impl RouteExemplars {
    pub(crate) fn new(route: Arc<str>) -> Self {
        Self {
            route,
            slow: vec![None; CLASSIC_BUCKETS],
            ended: vec![None; RequestEnd::ALL.len()],
        }
    }

    /// Adds those of one thread.
    pub(crate) fn add(&mut self, cells: &RouteCells) {
        keep_newest(&mut self.slow, &cells.slow.kept());
        keep_newest(&mut self.ended, &cells.ended.kept());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slow.iter().chain(&self.ended).all(Option::is_none)
    }

    fn durations(&self) -> impl Iterator<Item = metrics::Exemplar> {
        let places = self.slow.iter().enumerate();
        places.filter_map(|(bucket, exemplar)| {
            let exemplar = exemplar.as_ref()?;
            let bound = CLASSIC.get(bucket).map(|bound| seconds(*bound));
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| format!("{bound:?}"));
            let route = &self.route;
            Some(metrics::Exemplar {
                series: format!(
                    "ninefold_request_duration_seconds_bucket{{le=\"{bound}\",route=\"{route}\"}}"
                ),
                trace_id: exemplar.trace.as_str().to_owned(),
                value: seconds(exemplar.took_ns),
                at: exemplar.at,
            })
        })
    }

    fn ends(&self) -> impl Iterator<Item = metrics::Exemplar> {
        let places = RequestEnd::ALL.iter().zip(&self.ended);
        places.filter_map(|(end, exemplar)| {
            let exemplar = exemplar.as_ref()?;
            let route = &self.route;
            let (by, phase, cause) = (end.by(), end.phase_name(), end.cause());
            Some(metrics::Exemplar {
                series: format!(
                    "ninefold_request_ends_total{{route=\"{route}\",by=\"{by}\",phase=\"{phase}\",cause=\"{cause}\"}}"
                ),
                trace_id: exemplar.trace.as_str().to_owned(),
                value: 1.0,
                at: exemplar.at,
            })
        })
    }
}

impl Exemplars {
    /// The trace of a recent request of a route that ended like this, and when it did.
    #[must_use]
    pub fn ended(&self, route: &str, end: RequestEnd) -> Option<(&str, Timestamp)> {
        let of = self.routes.iter().find(|of| *of.route == *route)?;
        let exemplar = of.ended.get(end as usize)?.as_ref()?;
        Some((exemplar.trace.as_str(), exemplar.at))
    }

    /// All of them, by the samples of [`crate::Gateway::collector`] that they belong to.
    #[must_use]
    pub fn by_sample(&self) -> Vec<metrics::Exemplar> {
        let routes = self.routes.iter();
        routes
            .flat_map(|route| route.durations().chain(route.ends()))
            .collect()
    }
}

/// Takes those of `others` that are newer.
pub(crate) fn keep_newest(all: &mut [Option<Exemplar>], others: &[Option<Exemplar>]) {
    for (kept, other) in all.iter_mut().zip(others) {
        let at = |one: &Option<Exemplar>| one.as_ref().map(|one| one.at);
        if at(other) > at(kept) {
            *kept = *other;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown in seconds")]
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace_id::TraceId;

    #[test]
    fn each_bucket_is_named_as_the_text_names_it() {
        let parent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let exemplar = Exemplar {
            trace: TraceId::sampled(parent).unwrap(),
            took_ns: 1,
            at: Timestamp::from_secs(1),
        };
        let mut route = RouteExemplars::new("a".into());
        assert!(route.is_empty());
        keep_newest(&mut route.slow, &[Some(exemplar); CLASSIC_BUCKETS]);
        assert!(!route.is_empty());
        let series: Vec<_> = route.durations().map(|exemplar| exemplar.series).collect();
        let bounds = [
            "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1.0", "2.5",
            "5.0", "7.5", "10.0", "+Inf",
        ];
        let named = bounds.map(|bound| {
            format!("ninefold_request_duration_seconds_bucket{{le=\"{bound}\",route=\"a\"}}")
        });
        assert_eq!(series, named);
    }
}
