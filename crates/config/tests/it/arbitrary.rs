//! Whatever the text: an outcome that makes sense, and no panic.

use std::path::Path;

use ninefold_config::{Severity, parse, render, to_json};
use proptest::prelude::*;

use crate::testdata::files;

fn check(text: &str) -> Result<(), TestCaseError> {
    let outcome = parse(text, Path::new("some/ninefold.toml"));
    let errors = outcome.errors();
    prop_assert_eq!(outcome.file.is_some(), errors == 0);
    prop_assert_eq!(outcome.text(), text);
    let lines = text.split('\n').count();
    let mut last = 0;
    for finding in &outcome.findings {
        let span = finding.span.clone().unwrap();
        prop_assert!(span.start >= last, "not sorted: {:?}", finding);
        last = span.start;
        prop_assert!(
            span.start <= span.end && span.end <= text.len(),
            "{:?}",
            finding
        );
        prop_assert!((1..=lines).contains(&finding.line), "{:?}", finding);
        let line = text.split('\n').nth(finding.line - 1).unwrap();
        prop_assert!(
            (1..=line.chars().count() + 1).contains(&finding.column),
            "{:?}",
            finding
        );
        prop_assert!(!finding.message.is_empty());
    }
    let rendered = render(&outcome);
    prop_assert_eq!(rendered.is_empty(), outcome.findings.is_empty());
    prop_assert!(rendered.matches("error[").count() >= errors);
    prop_assert_eq!(&to_json(&outcome)["errors"], errors);
    let warnings = outcome
        .findings
        .iter()
        .filter(|f| f.severity == Severity::Warning);
    prop_assert_eq!(warnings.count(), outcome.warnings());
    Ok(())
}

/// A text of one of the files, changed in some places.
fn mutated() -> impl Strategy<Value = String> {
    let texts: Vec<_> = ["valid", "doubtful", "broken"]
        .iter()
        .flat_map(|folder| files(folder))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let piece = prop_oneof![
        any::<String>(),
        "[ \\[\\]{}=\"',.#\n0-9a-z%-]{0,8}",
        prop::sample::select(vec![
            "[",
            "]",
            "[[",
            "]]",
            "{",
            "}",
            "=",
            "\"",
            "\"\"\"",
            "'",
            "\n",
            "\r\n",
            "\t",
            "#",
            "0",
            "-1",
            "1.5",
            "inf",
            "true",
            "99999999999999999999",
            "0x",
            "1979-05-27",
            "{id}",
            "[service]",
            "[[listener]]",
            "[listener.route]",
            "a.b.c",
            "\u{feff}",
            "ä",
            "\0",
        ])
        .prop_map(str::to_owned),
    ];
    let edit = (any::<prop::sample::Index>(), 0..24usize, piece);
    (
        prop::sample::select(texts),
        prop::collection::vec(edit, 1..6),
    )
        .prop_map(|(text, edits)| {
            edits.into_iter().fold(text, |text, (at, length, piece)| {
                let chars: Vec<char> = text.chars().collect();
                let at = at.index(chars.len() + 1);
                let end = (at + length).min(chars.len());
                let (before, after) = (&chars[..at], &chars[end..]);
                before
                    .iter()
                    .copied()
                    .chain(piece.chars())
                    .chain(after.iter().copied())
                    .collect()
            })
        })
}

/// One of the files without one of its lines, or with one twice.
fn relined() -> impl Strategy<Value = String> {
    let texts: Vec<_> = files("valid")
        .into_iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let at = any::<prop::sample::Index>();
    (
        prop::sample::select(texts),
        at,
        0..3usize,
        any::<prop::sample::Index>(),
    )
        .prop_map(|(text, at, times, to)| {
            let mut lines: Vec<&str> = text.lines().collect();
            let line = lines.remove(at.index(lines.len()));
            let to = to.index(lines.len() + 1);
            lines.splice(to..to, std::iter::repeat_n(line, times));
            lines.join("\n")
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_text_has_an_outcome(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_mutation_has_an_outcome(text in mutated()) {
        check(&text)?;
    }

    #[test]
    fn any_order_of_lines_has_an_outcome(text in relined()) {
        check(&text)?;
    }
}

/// What takes quadratic time, or recursion, if somebody is careless. There is no assertion about
/// time: a test that does not end says enough.
#[test]
fn large_texts_have_an_outcome() {
    let repeated = |piece: &str| piece.repeat(500_000 / piece.len());
    for text in [
        repeated("["),
        repeated("a = ["),
        repeated("a = {"),
        repeated("a."),
        repeated("]\n"),
        repeated("x\n"),
        repeated("[[listener]]\n"),
        repeated("[[listener.route]]\npath = \"/\"\n"),
        format!("service.a.run = [{}]", repeated("\"{address.a}{adress}\",")),
        format!("[cluster]\nzones = [{}]", repeated("\"a\",")),
        (0..15_000)
            .map(|n| format!("[slo.a{n}]\nroute=\"b\"\n"))
            .collect(),
        (0..15_000)
            .map(|n| format!("service.a{n}.run=[\"{{address.b}}\"]\n"))
            .collect(),
    ] {
        let outcome = parse(&text, Path::new("large.toml"));
        assert!(outcome.file.is_none() && outcome.errors() > 0);
        assert!(outcome.findings.len() <= 201);
    }
}
