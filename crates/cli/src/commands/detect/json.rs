//! The answer for programs. docs/detection.md describes it.

use std::time::Duration;

use ninefold_cluster::qos::{Qos, Since};
use serde::Serialize;

use super::measure::{Measured, Results};
use super::replay::Trace;

/// The document.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    trace: TraceJson,
    detectors: Vec<Point>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    curve: Vec<Curve>,
}

#[derive(Debug, Serialize)]
struct TraceJson {
    path: String,
    heartbeats: u64,
    lost: u64,
    stale: u64,
    stalls: u64,
    span_seconds: f64,
    interval_seconds: f64,
    delay_seconds: Option<f64>,
    detection_since: &'static str,
}

#[derive(Debug, Serialize)]
struct Curve {
    detector: &'static str,
    points: Vec<Point>,
}

#[derive(Debug, Serialize)]
struct Point {
    detector: &'static str,
    setting: String,
    detection_seconds: Option<Times>,
    mistakes: u64,
    mistakes_per_hour: f64,
    mistake_recurrence_seconds: Option<f64>,
    mistake_seconds: Option<Lengths>,
    query_accuracy: f64,
    request_kept: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Times {
    mean: f64,
    p99: f64,
    longest: f64,
}

#[derive(Debug, Serialize)]
struct Lengths {
    mean: f64,
    longest: f64,
}

/// All of it.
pub(super) fn document(trace: &Trace<'_>, results: &Results) -> Document {
    let summary = &trace.summary;
    let curve = results.curve.iter().map(|(kind, points)| Curve {
        detector: kind.name(),
        points: points.iter().map(point).collect(),
    });
    Document {
        trace: TraceJson {
            path: trace.path.display().to_string(),
            heartbeats: summary.heartbeats,
            lost: summary.lost(),
            stale: summary.stale,
            stalls: summary.stalls,
            span_seconds: summary.span().as_secs_f64(),
            interval_seconds: trace.interval.as_secs_f64(),
            delay_seconds: summary.delay().map(|delay| delay.as_secs_f64()),
            detection_since: match trace.since {
                Since::Sent => "sent",
                Since::Arrived => "arrived",
            },
        },
        detectors: results.shipped.iter().map(point).collect(),
        curve: curve.collect(),
    }
}

fn point(measured: &Measured) -> Point {
    let Measured { setting, qos } = measured;
    let Qos {
        detection,
        mistakes,
        query_accuracy,
        request_kept,
        ..
    } = *qos;
    let seconds = |duration: Duration| duration.as_secs_f64();
    Point {
        detector: setting.kind().name(),
        setting: setting.to_string(),
        detection_seconds: detection.map(|times| Times {
            mean: seconds(times.mean),
            p99: seconds(times.p99),
            longest: seconds(times.longest),
        }),
        mistakes: qos.count(),
        mistakes_per_hour: qos.mistakes_per_hour(),
        mistake_recurrence_seconds: mistakes.map(|mistakes| seconds(mistakes.recurrence)),
        mistake_seconds: mistakes.map(|mistakes| Lengths {
            mean: seconds(mistakes.mean),
            longest: seconds(mistakes.longest),
        }),
        query_accuracy,
        request_kept,
    }
}
