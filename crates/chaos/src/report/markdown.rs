//! Markdown.

use super::figures::millis;
use super::text::{away, cells};
use super::{ClaimReport, Report};

pub(super) fn render(report: &Report) -> String {
    let mut out = String::from("# Claims\n\n");
    out.push_str(&format!(
        "`{}`, {}, seed {}, {:.1} s\n\n",
        report.file,
        report.began,
        report.seed,
        report.took.as_secs_f64()
    ));
    if let Some(reason) = &report.refused {
        out.push_str(&format!(
            "**Refused before any fault:** {}\n\n",
            cell(reason)
        ));
    }
    for note in &report.notes {
        out.push_str(&format!("Note: {}\n\n", cell(note)));
    }
    out.push_str("| claim | verdict | available | detect p50/p99 | recover p50/p99 | latency p50/p99 | acked/failed/unknown (masked) |\n");
    out.push_str("|---|---|---|---|---|---|---|\n");
    for claim in &report.claims {
        let cells: Vec<String> = cells(claim).iter().map(|text| cell(text)).collect();
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    for claim in &report.claims {
        out.push_str(&details(claim));
    }
    out
}

fn details(claim: &ClaimReport) -> String {
    let mut out = format!(
        "\n## {}: {}\n\n{}\n\n",
        claim.verdict,
        cell(&claim.name),
        claim.survive
    );
    for reason in &claim.reasons {
        out.push_str(&format!("- {}\n", cell(reason)));
    }
    if let Some(line) = away(claim) {
        out.push_str(&format!("{}\n", cell(&line)));
    }
    if !claim.trials.is_empty() {
        out.push_str("\n| trial | seed | targets | verdict | detected | class | recovered |\n");
        out.push_str("|---|---|---|---|---|---|---|\n");
    }
    for trial in &claim.trials {
        let time = |at: Option<std::time::Duration>| {
            at.map_or_else(|| "-".to_owned(), |at| format!("{} ms", millis(at)))
        };
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            trial.number,
            trial.seed,
            trial.on_whom(),
            trial.verdict,
            time(trial.detect),
            trial
                .class
                .map_or("-", ninefold_core::taxonomy::FailureClass::name),
            time(trial.recover)
        ));
    }
    out.push_str(&format!("\n```sh\n{}\n```\n", claim.replay));
    out
}

/// A text that stays within its cell and line, and makes no markup.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '|' | '\\' | '`' | '*' | '_' | '<' | '[' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
