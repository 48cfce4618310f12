//! Metrics as OpenMetrics 1.0 wants them, read strictly; the traces in them, in status and in explanations.

use std::collections::{BTreeMap, BTreeSet};

use rustix::process::Signal;

use crate::cluster::{Cluster, exchange, signal, three_replicas};

/// One sample, with what stands behind it.
#[derive(Debug)]
struct Sample<'a> {
    name: &'a str,
    labels: BTreeMap<&'a str, &'a str>,
    value: f64,
    exemplar: Option<(BTreeMap<&'a str, &'a str>, f64, f64)>,
}

fn is_name(text: &str) -> bool {
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    first && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn number(text: &str) -> f64 {
    assert!(!text.is_empty() && text.trim() == text, "{text:?}");
    text.parse()
        .unwrap_or_else(|_| panic!("{text:?} is no number"))
}

/// Labels in braces, and what follows. Quotes within values would be escaped; there are none.
fn labels(text: &str) -> (BTreeMap<&str, &str>, &str) {
    let mut labels = BTreeMap::new();
    let Some(mut rest) = text.strip_prefix('{') else {
        return (labels, text);
    };
    while !rest.starts_with('}') {
        let (name, behind) = rest.split_once("=\"").unwrap();
        let (value, behind) = behind.split_once('"').unwrap();
        assert!(is_name(name) && !value.contains('\\'), "{text}");
        assert_eq!(labels.insert(name, value), None, "{text}");
        rest = behind.strip_prefix(',').unwrap_or(behind);
        assert!(behind.starts_with([',', '}']), "{text}");
        assert!(!behind.starts_with(",}"), "{text}");
    }
    (labels, &rest[1..])
}

fn sample(line: &str) -> Sample<'_> {
    let end = line.find(['{', ' ']).unwrap();
    let (name, rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let (labels_of_it, rest) = labels(rest);
    let rest = rest.strip_prefix(' ').unwrap();
    let (value, exemplar) = match rest.split_once(" # ") {
        None => (rest, None),
        Some((value, exemplar)) => {
            let (labels, rest) = labels(exemplar);
            let (of, at) = rest.strip_prefix(' ').unwrap().split_once(' ').unwrap();
            let length = labels.iter().map(|(name, value)| name.len() + value.len());
            assert!(length.sum::<usize>() <= 128, "{line}");
            let digits = at.split_once('.').map(|(_, digits)| digits.len());
            assert_eq!(digits, Some(3), "{line}");
            (value, Some((labels, number(of), number(at))))
        }
    };
    Sample {
        name,
        labels: labels_of_it,
        value: number(value),
        exemplar,
    }
}

/// One family of metrics.
#[derive(Debug)]
struct Family<'a> {
    name: &'a str,
    kind: &'a str,
    samples: Vec<Sample<'a>>,
}

/// All families of a text.
fn families(text: &str) -> Vec<Family<'_>> {
    let body = text.strip_suffix("# EOF\n").expect("the end mark");
    let mut all: Vec<Family<'_>> = Vec::new();
    let mut described = BTreeSet::new();
    for line in body.lines() {
        assert!(!line.is_empty() && line.trim() == line, "{line:?}");
        let Some(words) = line.strip_prefix("# ") else {
            let sample = sample(line);
            let family = all.last_mut().unwrap();
            let suffix = sample.name.strip_prefix(family.name);
            let fits = match family.kind {
                "counter" => suffix == Some("_total"),
                "gauge" => suffix == Some(""),
                "info" => suffix == Some("_info"),
                "histogram" => matches!(suffix, Some("_bucket" | "_count" | "_sum")),
                other => panic!("{other}"),
            };
            assert!(fits, "{line} in {} {}", family.kind, family.name);
            family.samples.push(sample);
            continue;
        };
        let mut words = words.splitn(3, ' ');
        let (what, name) = (words.next().unwrap(), words.next().unwrap());
        let said = words.next().unwrap();
        assert!(is_name(name), "{line}");
        assert!(described.insert((what, name)), "twice: {line}");
        match what {
            // Of a new family, once the one before is complete.
            "HELP" => {
                assert!(!said.contains(['\\', '"', '\n']), "{line}");
                all.push(Family {
                    name,
                    kind: "",
                    samples: Vec::new(),
                });
            }
            "TYPE" => {
                let family = all.last_mut().unwrap();
                assert_eq!((family.name, family.samples.len()), (name, 0), "{line}");
                family.kind = said;
            }
            "UNIT" => {
                let family = all.last().unwrap();
                assert_eq!((family.name, family.samples.len()), (name, 0), "{line}");
                assert!(name.ends_with(&format!("_{said}")), "{line}");
            }
            _ => panic!("{line}"),
        }
    }
    all
}

/// All labels but the bound.
type Others<'a> = Vec<(&'a str, &'a str)>;

/// Checks what the standard says about samples of a family together.
fn check(family: &Family<'_>) {
    let mut seen = BTreeSet::new();
    let mut buckets: BTreeMap<Others<'_>, Vec<(f64, f64)>> = BTreeMap::new();
    let mut counts: BTreeMap<Others<'_>, f64> = BTreeMap::new();
    for sample in &family.samples {
        let new = seen.insert((sample.name, sample.labels.clone()));
        assert!(new, "twice: {sample:?}");
        let cumulative = matches!(family.kind, "counter" | "histogram");
        assert!(sample.value.is_finite(), "{sample:?}");
        assert!(!cumulative || sample.value >= 0.0, "{sample:?}");
        let bucket = sample.name.ends_with("_bucket") && family.kind == "histogram";
        let mut others: Vec<_> = sample.labels.clone().into_iter().collect();
        others.retain(|(name, _)| *name != "le");
        if bucket {
            let bound = sample.labels["le"];
            // Bounds are floats with a point.
            assert!(bound == "+Inf" || bound.contains('.'), "{sample:?}");
            let of = buckets.entry(others).or_default();
            let bound = number(bound);
            let below = of.last().copied().unwrap_or((f64::NEG_INFINITY, 0.0));
            assert!(bound > below.0 && sample.value >= below.1, "{sample:?}");
            if let Some((_, value, _)) = &sample.exemplar {
                assert!(*value > below.0 && *value <= bound, "{sample:?}");
                assert!(
                    sample.value > below.1,
                    "nothing was counted there: {sample:?}"
                );
            }
            of.push((bound, sample.value));
        } else {
            assert!(!sample.labels.contains_key("le"), "{sample:?}");
            if sample.name.ends_with("_count") && family.kind == "histogram" {
                counts.insert(others, sample.value);
            }
            let may = family.kind == "counter";
            assert!(may || sample.exemplar.is_none(), "{sample:?}");
        }
    }
    for (labels, of) in &buckets {
        let last = of.last().unwrap();
        assert!(last.0.is_infinite(), "{labels:?} of {}", family.name);
        assert!(
            (last.1 - counts[labels]).abs() < 0.5,
            "{labels:?} of {}",
            family.name
        );
    }
    assert_eq!(buckets.len(), counts.len(), "{}", family.name);
}

/// A request of the trace of this digit.
fn ask(cluster: &Cluster, method: &str, path: &str, digit: &str) -> String {
    let trace = digit.repeat(32);
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\
         traceparent: 00-{trace}-b7ad6b7169203331-01\r\n\r\n"
    );
    exchange(cluster.address(), request.as_bytes())
}

#[test]
fn a_scraper_that_asks_for_openmetrics_gets_it_with_traces() {
    let cluster = Cluster::up(&three_replicas(""));
    cluster.ready(3);
    ask(&cluster, "GET", "/slow", "a");
    ask(&cluster, "GET", "/fail", "b");
    let accept = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;\
                  version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    let mut answer = String::new();
    cluster.wait("both to be named", || {
        answer = cluster.metrics_as(Some(accept));
        answer.matches(" # {trace_id=").count() == 2
    });
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    assert!(
        head.contains(kind) && head.contains("vary: accept"),
        "{head}"
    );
    let all = families(body);
    let mut traces = BTreeMap::new();
    for family in &all {
        check(family);
        for sample in &family.samples {
            if let Some((labels, value, _)) = &sample.exemplar {
                assert_eq!(sample.labels["route"], "root", "{sample:?}");
                traces.insert(labels["trace_id"], (family.name, *value));
            }
        }
    }
    let (family, value) = traces["a".repeat(32).as_str()];
    assert_eq!(family, "ninefold_request_duration_seconds");
    assert!(value >= 0.3, "{value}");
    let (family, value) = traces["b".repeat(32).as_str()];
    assert_eq!(
        (family, value.to_bits()),
        ("ninefold_request_ends", 1.0_f64.to_bits())
    );

    // Whoever has no Prometheus finds it in the status.
    let mut ends = serde_json::Value::Null;
    cluster.wait("the end to be looked at", || {
        ends = cluster.status()["routes"][0]["ends"][0].clone();
        !ends.is_null()
    });
    assert_eq!(ends["cause"], "status", "{ends}");
    assert_eq!(ends["trace_id"], "b".repeat(32), "{ends}");

    let text = cluster.metrics();
    assert!(
        text.contains("content-type: text/plain; version=0.0.4"),
        "{text}"
    );
    assert!(
        !text.contains("trace_id") && !text.contains("# UNIT"),
        "{text}"
    );
}

#[test]
fn an_explained_incident_names_a_trace_that_it_hurt() {
    let cluster = Cluster::up(&three_replicas("").replace("replicas = 3", "replicas = 1"));
    let pid = cluster.ready(1)[0].1;
    // However this one ends, when the hanging instance is killed, before, or after: nobody repeats it.
    signal(pid, Signal::STOP);
    let answer = ask(&cluster, "POST", "/", "c");
    let answer = answer.lines().next().unwrap_or_default();
    assert!(answer.starts_with("HTTP/1.1 50"), "{answer}");
    let mut text = String::new();
    cluster.wait("the incident to count it", || {
        let explained = cluster.run(&["explain", "inc-1"]);
        text = String::from_utf8_lossy(&explained.stdout).into_owned();
        text.contains("1 request failed")
    });
    let trace = "c".repeat(32);
    let named = |line: &str| {
        let said = line.trim_start().strip_prefix("1  ended by ");
        said.is_some_and(|said| said.ends_with(&format!(", as trace {trace}")))
    };
    assert!(text.lines().any(named), "{text}");
}
