//! The JSON Schema against the reader.

use std::collections::BTreeSet;
use std::path::Path;

use expect_test::expect_file;
use ninefold_config::{Severity, parse, schema};
use serde_json::Value;

use crate::testdata::files;

#[test]
fn the_committed_schema_is_current() {
    let mut text = serde_json::to_string_pretty(&schema()).unwrap();
    text.push('\n');
    expect_file!["../../ninefold.schema.json"].assert_eq(&text);
}

fn json(path: &Path) -> Option<Value> {
    let table: toml::Table = std::fs::read_to_string(path).ok()?.parse().ok()?;
    serde_json::to_value(table).ok()
}

#[test]
fn accepted_files_follow_the_schema() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    for path in files("valid").into_iter().chain(files("doubtful")) {
        let errors: Vec<_> = schema
            .iter_errors(&json(&path).unwrap())
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, [""; 0], "{path:?}");
    }
}

/// Codes that a schema can express; files that have one of them are refused by it too.
const IN_SCHEMA: [&str; 5] = [
    "unknown-key",
    "wrong-type",
    "missing-unit",
    "missing-key",
    "conflicting-keys",
];

#[test]
fn broken_files_break_the_schema_where_it_can_say_so() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    let mut refused = 0;
    for path in files("broken") {
        let Some(instance) = json(&path) else {
            continue;
        };
        let expressible = ninefold_config::read(&path)
            .findings
            .iter()
            .any(|finding| IN_SCHEMA.contains(&finding.code));
        if expressible {
            assert!(!schema.is_valid(&instance), "{path:?}");
            refused += 1;
        }
    }
    assert!(refused > 0);
}

/// The tables of the schema, and where each is written.
const TABLES: &[(&str, &str)] = &[
    ("", ""),
    ("cluster", "[cluster]\n"),
    ("node", "[node]\n"),
    ("chaos", "[chaos]\n"),
    ("service", "[service.a]\n"),
    ("redundancy", "[service.a.redundancy]\n"),
    ("endpoint", "[[service.a.endpoints]]\n"),
    ("endpoints", "[service.a.endpoints]\n"),
    ("balance", "[service.a.balance]\n"),
    ("key", "[service.a.balance.key]\n"),
    ("local_first", "[service.a.local_first]\n"),
    ("stop", "[service.a.stop]\n"),
    ("restart", "[service.a.restart]\n"),
    ("ejection", "[service.a.ejection]\n"),
    ("ejection_by_latency", "[service.a.ejection.latency]\n"),
    (
        "ejection_by_success_rate",
        "[service.a.ejection.success_rate]\n",
    ),
    ("health", "[service.a.health]\n"),
    ("probe", "[service.a.health.ready]\n"),
    ("listener", "[[listener]]\n"),
    ("tls", "[[listener]]\n[listener.tls]\n"),
    ("tls_of_a_service", "[service.a.tls]\n"),
    ("limits", "[[listener]]\n[listener.limits]\n"),
    ("access_log", "[[listener]]\n[listener.access_log]\n"),
    ("route", "[[listener]]\n[[listener.route]]\n"),
    (
        "retry",
        "[[listener]]\n[[listener.route]]\n[listener.route.retry]\n",
    ),
    ("overload", "[service.a.overload]\n"),
    ("breaker", "[service.a.breaker]\n"),
    (
        "rate_limit",
        "[[listener]]\n[[listener.route]]\n[listener.route.rate_limit]\n",
    ),
    (
        "by",
        "[[listener]]\n[[listener.route]]\n[listener.route.rate_limit.by]\n",
    ),
    (
        "bulkhead",
        "[[listener]]\n[[listener.route]]\n[listener.route.bulkhead]\n",
    ),
    (
        "key_of_a_bulkhead",
        "[[listener]]\n[[listener.route]]\n[listener.route.bulkhead.key]\n",
    ),
    (
        "hedge",
        "[[listener]]\n[[listener.route]]\n[listener.route.hedge]\n",
    ),
    (
        "fallback",
        "[[listener]]\n[[listener.route]]\n[listener.route.fallback]\n",
    ),
    (
        "cache",
        "[[listener]]\n[[listener.route]]\n[listener.route.cache]\n",
    ),
    (
        "split",
        "[[listener]]\n[[listener.route]]\n[listener.route.split]\n",
    ),
    (
        "mirror",
        "[[listener]]\n[[listener.route]]\n[listener.route.mirror]\n",
    ),
    (
        "answers",
        "[[listener]]\n[[listener.route]]\n[listener.route.answers]\n",
    ),
    (
        "canary",
        "[[listener]]\n[[listener.route]]\n[listener.route.answers.canary]\n",
    ),
    (
        "expect",
        "[[listener]]\n[[listener.route]]\n[listener.route.answers.canary.expect]\n",
    ),
    (
        "vote",
        "[[listener]]\n[[listener.route]]\n[listener.route.answers.vote]\n",
    ),
    (
        "sticky",
        "[[listener]]\n[[listener.route]]\n[listener.route.split.sticky]\n",
    ),
    (
        "brownout",
        "[[listener]]\n[[listener.route]]\n[listener.route.brownout]\n",
    ),
    ("SLO", "[slo.a]\n"),
    ("latency", "[slo.a.latency]\n"),
    ("claim", "[[claim]]\n"),
    ("survive", "[[claim]]\n[claim.survive]\n"),
    ("load", "[[claim]]\n[claim.load]\n"),
    ("request_of_a_load", "[[claim]]\n[[claim.load.requests]]\n"),
];

/// For every table: the keys that the schema has are those that the reader names as allowed.
#[test]
fn the_reader_knows_exactly_the_keys_of_the_schema() {
    let schema = schema();
    let mut definitions: BTreeSet<_> = schema["$defs"].as_object().unwrap().keys().collect();
    definitions.retain(|name| schema["$defs"][name.as_str()]["type"] == "object");
    assert_eq!(definitions.len() + 1, TABLES.len(), "{definitions:?}");
    for &(name, header) in TABLES {
        let table = if name.is_empty() {
            &schema
        } else {
            &schema["$defs"][name]
        };
        let keys: BTreeSet<_> = table["properties"].as_object().unwrap().keys().collect();
        for key in &keys {
            assert!(!unknown(header, key), "{header}{key} is refused");
        }
        assert!(unknown(header, "no_such_key_anywhere"), "{header}");
        assert_eq!(table["additionalProperties"], false, "{name}");
        let allowed = allowed(header);
        assert_eq!(allowed.iter().collect::<BTreeSet<_>>(), keys, "{header}");
    }
}

fn unknown(header: &str, key: &str) -> bool {
    let text = format!("{header}{key} = 0\n");
    parse(&text, Path::new("x.toml"))
        .findings
        .iter()
        .any(|f| f.code == "unknown-key" && f.severity == Severity::Error)
}

/// The keys that the reader lists where one is unknown.
fn allowed(header: &str) -> Vec<String> {
    let text = format!("{header}no_such_key_anywhere = 0\n");
    let outcome = parse(&text, Path::new("x.toml"));
    let finding = outcome.findings.iter().find(|f| f.code == "unknown-key");
    let help = finding.unwrap().help.clone().unwrap();
    let (_, list) = help.split_once(" has ").unwrap();
    list.split(", ")
        .map(|key| key.trim_matches('`').to_owned())
        .collect()
}
