//! `detect`: no node, only files.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const NAMES: [&str; 8] = [
    "fixed-timeout",
    "nfd-e",
    "bertier",
    "2w-fd",
    "phi-akka",
    "phi-cassandra",
    "phi-chitchat",
    "ninefold",
];

fn detect(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ninefold"))
        .arg("detect")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// What it wrote, having succeeded.
#[track_caller]
fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = detect(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// A folder with a modelled trace in it.
fn modelled(model: &str, count: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let trace = done(folder.path(), &["model", model, "--count", count]);
    std::fs::write(folder.path().join("trace.csv"), trace).unwrap();
    folder
}

fn json(folder: &Path, more: &[&str]) -> Value {
    let arguments = [&["replay", "trace.csv", "--output", "json"], more].concat();
    serde_json::from_str(&done(folder, &arguments)).unwrap()
}

#[test]
fn a_modelled_trace_is_replayed_by_every_detector() {
    let folder = modelled("cloud", "100000");
    let answer = json(folder.path(), &["--detection-time", "600ms"]);
    let trace = &answer["trace"];
    assert_eq!(trace["heartbeats"], 100_000, "{trace}");
    assert_eq!(trace["detection_since"], "sent");
    assert!(trace["stalls"].as_u64().unwrap() > 0, "{trace}");
    assert!((trace["interval_seconds"].as_f64().unwrap() - 0.1).abs() < 1e-4);
    let detectors = answer["detectors"].as_array().unwrap();
    let names: Vec<&str> = detectors
        .iter()
        .map(|detector| detector["detector"].as_str().unwrap())
        .collect();
    assert_eq!(names, NAMES);
    for detector in detectors {
        let accuracy = detector["query_accuracy"].as_f64().unwrap();
        assert!(accuracy > 0.9 && accuracy <= 1.0, "{detector}");
        let times = &detector["detection_seconds"];
        assert!(times["mean"].as_f64() <= times["longest"].as_f64());
        assert_eq!(
            detector["mistakes"] == 0,
            detector["mistake_seconds"].is_null(),
            "{detector}"
        );
    }
    // A constant timeout takes each long stall of the observer for silence; ours knows better.
    let mistakes = |index: usize| detectors[index]["mistakes"].as_u64().unwrap();
    assert!(mistakes(0) > 0 && mistakes(7) == 0, "{answer}");
    assert!(answer.get("curve").is_none());
}

#[test]
fn a_table_and_a_drawing_show_all_of_them() {
    let folder = modelled("lan", "3000");
    let table = done(folder.path(), &["replay", "trace.csv"]);
    assert!(
        table.starts_with(
            "trace.csv: 3000 heartbeats in 299.9 s, one every 100.0 ms; 0 lost (0.000%)"
        ),
        "{table}"
    );
    assert_eq!(table.lines().count(), 3 + 1 + NAMES.len() + 2, "{table}");
    let promised = "ninefold: T_D 1.00 s, T_MR 60 min could be promised after 8";
    assert!(table.contains(promised), "{table}");
    let hasty = ["replay", "trace.csv", "--detection-time", "150ms"];
    let hasty = done(folder.path(), &hasty);
    assert!(
        hasty.contains("after 0.0% of heartbeats; else T_D was kept alone. Ask for a longer"),
        "{hasty}"
    );
    let svg = done(folder.path(), &["replay", "trace.csv", "-o", "svg"]);
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    // A curve, its sample in the legend, and a ring.
    assert_eq!(svg.matches("<polyline").count(), 2 * NAMES.len());
    assert_eq!(svg.matches("<circle").count(), NAMES.len());
    assert!(NAMES.iter().all(|name| svg.contains(&format!(">{name}<"))));
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    let curve = json(folder.path(), &["--curve"]);
    let curve = curve["curve"].as_array().unwrap();
    assert_eq!(curve.len(), NAMES.len());
    for of_one in curve {
        let points = of_one["points"].as_array().unwrap();
        let mean = |point: &Value| point["detection_seconds"]["mean"].as_f64().unwrap();
        assert_eq!(points.len(), 24);
        assert!(
            mean(&points[0]) < 0.3 && mean(&points[23]) > 2.0 * mean(&points[0]),
            "{of_one}"
        );
    }
}

#[test]
fn arrivals_alone_are_enough() {
    let folder = tempfile::tempdir().unwrap();
    let rows = (0..500).map(|n| format!("{}\n", 1_000_000 + n * 20_000));
    std::fs::write(folder.path().join("trace.csv"), rows.collect::<String>()).unwrap();
    let answer = json(folder.path(), &[]);
    assert_eq!(answer["trace"]["detection_since"], "arrived");
    assert_eq!(answer["trace"]["interval_seconds"], 0.02);
    assert_eq!(answer["trace"]["delay_seconds"], Value::Null);
    let fixed = &answer["detectors"][0];
    assert_eq!(fixed["detection_seconds"]["mean"], 1.0, "{fixed}");
}

#[test]
fn the_same_seed_writes_the_same_trace() {
    let folder = tempfile::tempdir().unwrap();
    let trace = |seed| {
        done(
            folder.path(),
            &["model", "wan", "--count", "2000", "--seed", seed],
        )
    };
    assert_eq!(trace("7"), trace("7"));
    assert_ne!(trace("7"), trace("8"));
    assert!(
        trace("7").starts_with("# modelled, not recorded: wan, seed 7\nseq,sent_us,arrived_us\n")
    );
}

#[test]
fn what_is_wrong_is_told_with_file_line_value_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let failing = |text: &str, more: &[&str], code: i32| {
        std::fs::write(folder.path().join("trace.csv"), text).unwrap();
        let output = detect(folder.path(), &[&["replay", "trace.csv"], more].concat());
        assert_eq!(output.status.code(), Some(code));
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(
        failing("seq,sent_us,arrived_us\n1,2,3\n2,2,3.5\n", &[], 1),
        "error: trace.csv:3: `3.5` is no arrived_us; write a whole number, as in `1700000`\n"
    );
    assert!(failing("", &[], 1).contains("trace.csv: it is too short"));
    assert!(
        failing(&"1".repeat(100_000), &[], 1).contains("trace.csv:1: it has more than 256 bytes")
    );
    let hasty = failing("100000\n200000\n", &["--detection-time", "100ms"], 2);
    assert!(
        hasty.contains("is not above the interval of 100.0 ms"),
        "{hasty}"
    );
    let folder = detect(folder.path(), &["replay", "."]);
    assert_eq!(folder.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&folder.stderr).contains(". is no file"));
}
