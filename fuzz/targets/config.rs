//! `ninefold.toml`: whatever it says, it is understood or refused with places that are in it.
#![no_main]

use std::path::Path;

use ninefold_config::{parse, render_checked, to_json};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let path = Path::new("ninefold.toml");
    let outcome = parse(text, path);
    assert_eq!(outcome.file.is_some(), outcome.errors() == 0);
    for finding in &outcome.findings {
        if let Some(span) = &finding.span {
            assert!(text.get(span.clone()).is_some(), "{finding:?}");
        }
        assert!(finding.line >= 1 && finding.column >= 1, "{finding:?}");
    }
    let shown = render_checked(&outcome);
    assert!(outcome.findings.is_empty() || !shown.is_empty());
    assert!(!shown.contains('\u{1b}'), "no escape reaches a terminal");
    assert_eq!(to_json(&outcome), to_json(&parse(text, path)));
});
