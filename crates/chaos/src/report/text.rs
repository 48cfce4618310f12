//! Plain text for a terminal.

use std::time::Duration;

use super::figures::millis;
use super::{ClaimReport, Percentiles, Report};
use crate::Verdict;

const HEAD: [&str; 7] = [
    "CLAIM",
    "VERDICT",
    "AVAILABLE",
    "DETECT p50/p99",
    "RECOVER p50/p99",
    "LATENCY p50/p99",
    "ACKED/FAILED/UNKNOWN (MASKED)",
];

/// Control characters of names and reasons never reach the terminal.
pub(super) fn render(report: &Report) -> String {
    let held = |c: &char| !c.is_control() || *c == '\n';
    compose(report).chars().filter(held).collect()
}

fn compose(report: &Report) -> String {
    let mut rows = vec![HEAD.map(ToOwned::to_owned)];
    rows.extend(report.claims.iter().map(cells));
    let mut out = String::new();
    if let Some(reason) = &report.refused {
        out.push_str(&format!("refused before any fault: {reason}\n\n"));
    }
    for note in &report.notes {
        out.push_str(&format!("note: {note}\n"));
    }
    out.push_str(&table(&rows));
    for line in report.claims.iter().filter_map(away) {
        out.push_str(&format!("\n{line}\n"));
    }
    for claim in &report.claims {
        if claim.verdict != Verdict::Proven {
            out.push_str(&format!("\n{}: {}\n", claim.verdict, claim.name));
            for reason in &claim.reasons {
                out.push_str(&format!("  {reason}\n"));
            }
            out.push_str(&format!("  replay: {}\n", claim.replay));
        }
    }
    let seconds = report.took.as_secs_f64();
    out.push_str(&format!("\nseed {}, {seconds:.1} s\n", report.seed));
    out
}

/// One row; shared with the Markdown form.
pub(super) fn cells(claim: &ClaimReport) -> [String; 7] {
    let requests = claim.requests();
    let declared = share(claim.declared_available);
    [
        claim.name.clone(),
        verdict(claim),
        match requests.availability() {
            Some(measured) => format!("{} (>= {declared})", share(measured)),
            None => "-".to_owned(),
        },
        pair(claim.detect()),
        match claim.declared_recover {
            Some(limit) => format!("{} (<= {})", pair(claim.recover()), time(millis(limit))),
            None => pair(claim.recover()),
        },
        pair(claim.latency()),
        if claim.trials.is_empty() {
            "-".to_owned()
        } else {
            format!(
                "{}/{}/{} ({})",
                requests.acked, requests.failed, requests.unknown, requests.masked
            )
        },
    ]
}

/// What was made of faults of nodes, or of wrong answers, that a claim is about; shared with the Markdown form.
pub(super) fn away(claim: &ClaimReport) -> Option<String> {
    let struck = claim.trials.iter().any(|trial| !trial.nodes.is_empty());
    let (convicted, isolated, failed) = claim.away();
    let wrong = claim.requests().wrong;
    if !struck && wrong == 0 {
        return None;
    }
    let failed = failed.map_or_else(|| "-".to_owned(), |failed| failed.to_string());
    let (name, convicted, isolated) = (&claim.name, pair(convicted), pair(isolated));
    Some(match struck {
        true => format!(
            "{name}: nodes convicted after {convicted}, out of the gateway after {isolated}, {failed} failed after that"
        ),
        false => format!(
            "{name}: wrong answers to {wrong} requests, convicted after {convicted}, in quarantine after {isolated}, {failed} failed after that"
        ),
    })
}

fn verdict(claim: &ClaimReport) -> String {
    if claim.verdict == Verdict::Untested {
        return claim.verdict.to_string();
    }
    format!(
        "{} {}/{}",
        claim.verdict,
        claim.passed(),
        claim.trials.len()
    )
}

/// A ratio in per cent, cut and not rounded, so that 99.9996 % never shows as 100 %.
pub(crate) fn share(ratio: f64) -> String {
    let percent = (ratio * 100_000.0 + 1e-6).floor() / 1_000.0;
    format!("{percent}%")
}

fn pair(percentiles: Option<Percentiles>) -> String {
    percentiles.map_or_else(
        || "-".to_owned(),
        |p| format!("{}/{}", time(p.p50), time(p.p99)),
    )
}

/// Milliseconds with a fitting unit.
fn time(millis: f64) -> String {
    if millis >= 1_000.0 {
        format!("{:.3} s", millis / 1_000.0)
    } else {
        format!("{millis:.1} ms")
    }
}

/// A duration with a fitting unit, for reasons.
pub(crate) fn in_words(duration: Duration) -> String {
    time(millis(duration))
}

fn table(rows: &[[String; 7]]) -> String {
    let mut widths = [0usize; 7];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in rows {
        let padded: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        out.push_str(padded.join("  ").trim_end());
        out.push('\n');
    }
    out
}
