//! Every file of `testdata` and what is said about it.

use std::collections::BTreeSet;
use std::path::Path;

use expect_test::expect_file;
use ninefold_config::{Severity, parse, read, render, render_checked, to_json};

use crate::testdata::files;

#[test]
fn broken_files_are_refused_as_recorded() {
    for path in files("broken") {
        let outcome = read(&path);
        assert!(outcome.file.is_none(), "{path:?} is accepted");
        assert!(outcome.errors() > 0, "{path:?}");
        record(&path, &render(&outcome));
    }
}

#[test]
fn doubtful_files_are_accepted_with_warnings() {
    for path in files("doubtful") {
        let outcome = read(&path);
        assert!(outcome.file.is_some(), "{}", render(&outcome));
        assert!(outcome.warnings() > 0, "{path:?} has no warning");
        record(&path, &render(&outcome));
    }
}

#[test]
fn the_last_line_says_what_was_checked() {
    let read = |name: &str| read(&std::path::PathBuf::from("testdata").join(name));
    let doubtful = render_checked(&read("doubtful/hang.toml"));
    assert!(
        doubtful.ends_with("hang.toml: sound: 1 service, 2 instances, 1 listener, 1 route, 1 SLO, 1 claim; 1 warning\n"),
        "{doubtful}"
    );
    let broken = read("broken/empty.toml");
    assert_eq!(render_checked(&broken), render(&broken));
    assert_eq!(to_json(&broken)["summary"], serde_json::Value::Null);
}

#[test]
fn valid_files_have_no_findings() {
    for path in files("valid") {
        let outcome = read(&path);
        assert_eq!(render(&outcome), "", "{path:?}");
        assert!(outcome.file.is_some());
    }
}

/// Compares with the file of the same name that ends with `.txt`; `UPDATE_EXPECT=1` rewrites it.
fn record(path: &Path, rendered: &str) {
    let expected = std::env::current_dir()
        .unwrap()
        .join(path.with_extension("txt"));
    expect_file![expected].assert_eq(rendered);
}

/// A code that is in the list but in no file is untested; one that is in a file but not in the
/// list is new, and belongs into the list and the changelog, as others rely on it.
#[test]
fn every_code_occurs() {
    let codes: BTreeSet<_> = ["broken", "doubtful"]
        .iter()
        .flat_map(|folder| files(folder))
        .flat_map(|path| read(&path).findings)
        .map(|finding| finding.code)
        .collect();
    let known: BTreeSet<_> = include_str!("codes.txt").lines().collect();
    assert_eq!(codes, known);
}

#[test]
fn a_file_that_cannot_be_read_is_a_finding() {
    let outcome = read(Path::new("testdata/absent.toml"));
    assert!(outcome.file.is_none());
    let finding = &outcome.findings[0];
    assert_eq!((finding.code, finding.line), ("unreadable", 1));
    assert!(finding.message.contains("testdata/absent.toml"));
    assert!(finding.message.contains("No such file"));
    assert!(render(&outcome).contains("testdata/absent.toml: 1 error"));
    assert_eq!(read(Path::new("testdata")).findings[0].code, "unreadable");
}

#[test]
fn what_to_do_is_said_of_absent_files_and_deep_ones() {
    let help = |outcome: ninefold_config::Outcome| outcome.findings[0].help.clone().unwrap();
    assert!(help(read(Path::new("testdata/absent.toml"))).contains("command line"));
    assert!(help(read(Path::new("testdata"))).contains("in it"));
    let deep = format!("x = {}", "[".repeat(5_000));
    assert!(help(parse(&deep, Path::new("deep.toml"))).contains("too deeply"));
}

#[test]
fn bytes_that_are_no_text_are_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ninefold.toml");
    std::fs::write(&path, b"threads = 1\n\xff\xfe").unwrap();
    let finding = &read(&path).findings[0];
    assert_eq!(
        (finding.code, finding.line, finding.column),
        ("not-text", 2, 1)
    );
}

#[test]
fn a_huge_file_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ninefold.toml");
    // Two bytes a character: the limit falls within one.
    std::fs::write(&path, format!("#{}", "ä".repeat(600_000))).unwrap();
    assert_eq!(read(&path).findings[0].code, "too-large");
}

#[test]
fn findings_are_limited() {
    let text = (0..5_000)
        .map(|n| format!("key{n} = 1\n"))
        .collect::<String>();
    let outcome = parse(&text, Path::new("many.toml"));
    assert_eq!(outcome.findings.len(), 201);
    let last = outcome.findings.last().unwrap();
    assert_eq!(
        (last.code, last.severity),
        ("too-many-findings", Severity::Error)
    );
}

#[test]
fn json_has_what_the_text_has() {
    let outcome = parse(
        "[service.a]\nrun = [\"a\"]\nreplicas = \"3\"\n",
        Path::new("a.toml"),
    );
    let json = to_json(&outcome);
    assert_eq!(json["valid"], false);
    assert_eq!(json["errors"], 1);
    let finding = &json["findings"][0];
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["code"], "wrong-type");
    assert_eq!(finding["key"], "service.a.replicas");
    assert_eq!(
        (&finding["line"], &finding["column"]),
        (&3.into(), &12.into())
    );
    assert_eq!(finding["span"]["start"], 35);
}
