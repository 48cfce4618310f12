//! The answer for people.

use std::time::Duration;

use ninefold_agent::admin::Table;
use ninefold_cluster::detector::Setting;
use ninefold_cluster::qos::{Qos, Since};

use super::measure::{Measured, Results};
use super::replay::{Trace, short};

/// The trace in words, the table of all detectors and, if it was asked for, their curves.
pub(super) fn render(trace: &Trace<'_>, results: &Results) -> String {
    let mut text = heading(trace);
    text.push_str(&shipped(&results.shipped));
    if !results.curve.is_empty() {
        text.push('\n');
        let points = results.curve.iter().flat_map(|(_, points)| points);
        text.push_str(&curve(points));
    }
    text
}

fn heading(trace: &Trace<'_>) -> String {
    let summary = &trace.summary;
    let sent = summary.heartbeats + summary.lost();
    let mut text = format!(
        "{}: {} heartbeats in {}, one every {}; {} lost ({})",
        trace.path.display(),
        summary.heartbeats,
        short(summary.span()),
        interval(trace.interval),
        summary.lost(),
        percent(summary.lost(), sent),
    );
    if let Some(delay) = summary.delay() {
        text.push_str(&format!(", {} on the way", short(delay)));
    }
    match summary.stalls {
        0 => {}
        1 => text.push_str("; one stall of the observer"),
        n => text.push_str(&format!("; {n} stalls of the observer")),
    }
    text.push('\n');
    text.push_str(match trace.since {
        Since::Sent => "T_D counts from when the last heartbeat was sent.\n\n",
        Since::Arrived => {
            "T_D counts from when the last heartbeat arrived: when it was sent is not known by a clock that compares.\n\n"
        }
    });
    text
}

/// Rounded, where other times are cut off: 103.4999 ms is nobody's interval.
fn interval(interval: Duration) -> String {
    let millis = interval.as_secs_f64() * 1e3;
    if (1.0..1_000.0).contains(&millis) {
        format!("{millis:.1} ms")
    } else {
        short(interval)
    }
}

fn shipped(measured: &[Measured]) -> String {
    let mut table = Table::new(&[
        "DETECTOR", "SETTING", "T_D MEAN", "P99", "LONGEST", "MISTAKES", "T_MR", "T_M MEAN",
        "LONGEST", "P_A",
    ]);
    for Measured { setting, qos } in measured {
        let [mean, p99, longest] = detection(qos);
        let [recurrence, wrong, wrong_longest] = match qos.mistakes {
            Some(mistakes) => [mistakes.recurrence, mistakes.mean, mistakes.longest].map(short),
            None => [
                format!("> {}", short(qos.observed)),
                "-".to_owned(),
                "-".to_owned(),
            ],
        };
        table.row([
            setting.kind().to_string(),
            setting.to_string(),
            mean,
            p99,
            longest,
            qos.count().to_string(),
            recurrence,
            wrong,
            wrong_longest,
            format!("{:.5}%", qos.query_accuracy * 100.0),
        ]);
    }
    let mut text = table.render();
    for Measured { setting, qos } in measured {
        if let Some(kept) = qos.request_kept {
            text.push_str(&promise(setting, kept));
        }
    }
    text
}

/// What a detector of which something is asked could promise.
fn promise(setting: &Setting, kept: f64) -> String {
    let mut text = format!(
        "\n{}: {setting} could be promised after {:.1}% of heartbeats",
        setting.kind(),
        kept * 100.0
    );
    if kept < 0.5 {
        text.push_str("; else T_D was kept alone. Ask for a longer --detection-time or a shorter --mistake-recurrence");
    }
    text.push_str(".\n");
    text
}

fn curve<'a>(points: impl Iterator<Item = &'a Measured>) -> String {
    let mut table = Table::new(&[
        "DETECTOR", "SETTING", "T_D MEAN", "P99", "MISTAKES", "AN HOUR", "P_A",
    ]);
    for Measured { setting, qos } in points {
        let [mean, p99, _] = detection(qos);
        table.row([
            setting.kind().to_string(),
            setting.to_string(),
            mean,
            p99,
            qos.count().to_string(),
            format!("{:.3}", qos.mistakes_per_hour()),
            format!("{:.5}%", qos.query_accuracy * 100.0),
        ]);
    }
    table.render()
}

fn detection(qos: &Qos) -> [String; 3] {
    match qos.detection {
        Some(times) => [times.mean, times.p99, times.longest].map(short),
        None => ["-"; 3].map(str::to_owned),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
fn percent(part: u64, whole: u64) -> String {
    format!("{:.3}%", part as f64 / whole.max(1) as f64 * 100.0)
}
