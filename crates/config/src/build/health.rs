//! Probes.

use toml::de::DeValue;

use super::view::View;
use crate::model::{Check, Health, Probe, Span};

/// An instance may take long to start: a startup probe fails after so many tries.
const STARTUP_FAILURES: u32 = 30;

/// Builds `health`.
pub(super) fn health(table: View<'_, '_>, http2: bool) -> Health {
    let failures = Probe::new(Check::Tcp).failures;
    Health {
        startup: probe(table, "startup", STARTUP_FAILURES, http2),
        ready: probe(table, "ready", failures, http2),
        live: probe(table, "live", failures, http2),
    }
}

fn probe(health: View<'_, '_>, key: &str, failures: u32, http2: bool) -> Option<Probe> {
    let value = health.value(key)?;
    let table = health.table(key);
    let mut probe = Probe::new(check(value, table, http2));
    probe.every = table.parse("every").unwrap_or(probe.every);
    probe.timeout = table
        .parse::<Span>("timeout")
        .unwrap_or_else(|| probe.timeout.min(probe.every));
    probe.failures = table.integer("failures").unwrap_or(failures);
    probe.successes = table.integer("successes").unwrap_or(probe.successes);
    Some(probe)
}

fn check(value: &DeValue<'_>, table: View<'_, '_>, http2: bool) -> Check {
    let http = match value.as_str() {
        Some("tcp") => None,
        short => short.or_else(|| table.text("http")),
    };
    if let Some(path) = http {
        return Check::Http {
            path: path.to_owned(),
            http2,
        };
    }
    if table.value("grpc").is_some() {
        return Check::Grpc {
            service: table.text("grpc").unwrap_or_default().to_owned(),
        };
    }
    if table.value("exec").is_some() {
        return Check::Exec {
            command: table.texts("exec"),
        };
    }
    Check::Tcp
}
