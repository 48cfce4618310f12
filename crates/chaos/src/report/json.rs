//! JSON.

use serde_json::{Value, json};

use super::figures::millis;
use super::{ClaimReport, Report, TrialReport};

pub(super) fn render(report: &Report) -> Value {
    json!({
        "claims": report.claims.iter().map(claim).collect::<Vec<_>>(),
        "seed": report.seed,
        "file": report.file,
        "began": report.began.to_string(),
        "took_ms": millis(report.took),
        "refused": report.refused,
        "notes": report.notes,
        "exit_code": report.exit_code(),
    })
}

fn claim(claim: &ClaimReport) -> Value {
    json!({
        "name": claim.name,
        "verdict": claim.verdict,
        "trials": { "passed": claim.passed(), "total": claim.trials.len() },
        "availability": claim.requests().availability(),
        "detect_ms": percentiles(claim.detect()),
        "recover_ms": percentiles(claim.recover()),
        "requests": claim.requests(),
        "latency_ms": percentiles(claim.latency()),
        "away": away(claim),
        "survive": claim.survive,
        "declared": {
            "available": claim.declared_available,
            "recover_ms": claim.declared_recover.map(millis),
            "lose": claim.declared_lose,
        },
        "asked": claim.asked,
        "reasons": claim.reasons,
        "replay": claim.replay,
        "each": claim.trials.iter().map(trial).collect::<Vec<_>>(),
    })
}

/// Of faults of nodes.
fn away(claim: &ClaimReport) -> Value {
    let (convicted, isolated, failed) = claim.away();
    json!({
        "convicted_ms": percentiles(convicted),
        "isolated_ms": percentiles(isolated),
        "failed_after": failed,
    })
}

fn percentiles(percentiles: Option<super::Percentiles>) -> Value {
    json!({
        "p50": percentiles.map(|p| p.p50),
        "p99": percentiles.map(|p| p.p99),
    })
}

fn trial(trial: &TrialReport) -> Value {
    json!({
        "trial": trial.number,
        "seed": trial.seed,
        "fault": trial.fault,
        "targets": trial.targets,
        "nodes": trial.nodes,
        "away": {
            "convicted_ms": trial.away.convicted.map(millis),
            "isolated_ms": trial.away.isolated.map(millis),
            "failed_after": trial.away.failed_after,
            "rejoined_ms": trial.away.rejoined.map(millis),
        },
        "verdict": trial.verdict,
        "reasons": trial.reasons,
        "notes": trial.notes,
        "injected": trial.injected.map(|at| at.to_string()),
        "detect_ms": trial.detect.map(millis),
        "class": trial.class,
        "recover_ms": trial.recover.map(millis),
        "availability": trial.requests.availability(),
        "requests": trial.requests,
        "latency_ms": trial.latency.map(|latency| json!({
            "p50": millis(latency.p50),
            "p99": millis(latency.p99),
            "max": millis(latency.max),
        })),
        "lost": trial.lost,
    })
}
