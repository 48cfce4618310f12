//! All findings of one text.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key_path::Step;
use super::{Draft, Finding, KeyPath, Lines, Severity, Spot};

/// No more findings of one text are kept: who sees so many has given the wrong file.
pub(crate) const FINDINGS_MAX: usize = 200;

/// No more errors of the TOML parser are looked at, repeated ones included.
const SYNTAX_ERRORS_MAX: usize = 2_000;

/// Collects findings and finds their places.
#[derive(Debug)]
pub(crate) struct Report<'a, 'i> {
    text: &'a str,
    root: &'a DeTable<'i>,
    findings: Vec<Finding>,
    dropped_errors: usize,
    dropped: usize,
    broken: Vec<KeyPath>,
    lines: Lines<'a>,
    syntax_errors: usize,
    syntax_lines: BTreeSet<usize>,
    last_syntax: (usize, String),
    oversized: bool,
}

/// What depends on the parts of the file that could not be read is not reported.
const UNSURE_WITHOUT_SYNTAX: &[&str] = &[
    "missing-key",
    "missing-route",
    "nothing-declared",
    "unknown-service",
    "unknown-route",
    "unknown-slo",
    "not-applicable",
];

impl<'a, 'i> Report<'a, 'i> {
    /// Without findings so far.
    pub(crate) fn new(text: &'a str, root: &'a DeTable<'i>) -> Self {
        Self {
            text,
            root,
            findings: Vec::new(),
            dropped_errors: 0,
            dropped: 0,
            broken: Vec::new(),
            lines: Lines::new(text),
            syntax_errors: 0,
            syntax_lines: BTreeSet::new(),
            last_syntax: (0, String::new()),
            oversized: false,
        }
    }

    /// Whether no finding more is kept: what remains is only counted.
    pub(crate) const fn is_full(&self) -> bool {
        self.findings.len() >= FINDINGS_MAX
    }

    /// Something has more elements than are allowed: the checks, which compare all with all, are
    /// not worth their time.
    pub(crate) const fn set_oversized(&mut self) {
        self.oversized = true;
    }

    /// Whether something has more elements than are allowed.
    pub(crate) const fn is_oversized(&self) -> bool {
        self.oversized
    }

    /// Adds an error of the TOML parser. An error on a line that has one already, or the same error
    /// as on the line before, as in an array that is never closed, only repeats it.
    pub(crate) fn syntax(&mut self, message: &str, span: Option<Range<usize>>) {
        self.syntax_errors += 1;
        if self.is_full() || self.syntax_errors > SYNTAX_ERRORS_MAX {
            self.dropped += 1;
            self.dropped_errors += 1;
            return;
        }
        let span = span.unwrap_or(0..0);
        let (line, column) = self.lines.position(span.start);
        let (last, said) = &self.last_syntax;
        let duplicate = message.contains("duplicate key");
        let repeated = !duplicate && said == message && line.saturating_sub(*last) <= 2;
        self.last_syntax = (line, message.to_owned());
        if !self.syntax_lines.insert(line) || repeated {
            return;
        }
        let (code, help) = if duplicate {
            (
                "duplicate-key",
                Some(
                    "a key, or a table, is written once; an element of an array of tables begins \
                     with `[[…]]`",
                ),
            )
        } else if message.starts_with("missing comma") {
            (
                "syntax",
                Some("write a comma between elements, and close what was opened before"),
            )
        } else if message.contains("recurs") {
            ("syntax", Some("tables and arrays are nested too deeply"))
        } else if self.ends_at(span.start) {
            ("syntax", Some("write a value: the line ends here"))
        } else {
            ("syntax", None)
        };
        self.findings.push(Finding {
            severity: Severity::Error,
            code,
            message: message.to_owned(),
            key: String::new(),
            value: self
                .text
                .get(span.clone())
                .map(cut)
                .filter(|t| !t.is_empty()),
            span: Some(span),
            line,
            column,
            help: help.map(str::to_owned),
        });
    }

    /// Whether a `=` has nothing behind it on its line, up to here.
    fn ends_at(&self, at: usize) -> bool {
        let (before, after) = self.text.split_at_checked(at).unwrap_or((self.text, ""));
        before.trim_end_matches([' ', '\t']).ends_with('=')
            && after
                .lines()
                .next()
                .is_none_or(|rest| rest.trim().is_empty())
    }

    /// Adds a finding of the first stage; an error marks its key as broken for the later stages.
    pub(crate) fn shape(&mut self, draft: Draft) {
        if draft.severity == Severity::Error && self.broken.len() < FINDINGS_MAX {
            self.broken.push(draft.path.clone());
        }
        self.add(draft);
    }

    /// Adds a finding of a later stage, unless it follows from what is already known to be broken:
    /// the key itself, or one of the `related` ones.
    pub(crate) fn check(&mut self, draft: Draft, related: &[KeyPath]) {
        let broken = |path: &KeyPath| self.broken.iter().any(|b| b.overlaps(path));
        if !broken(&draft.path) && !related.iter().any(broken) {
            self.add(draft);
        }
    }

    fn add(&mut self, draft: Draft) {
        if self.is_full() {
            self.dropped += 1;
            self.dropped_errors += usize::from(draft.severity == Severity::Error);
            return;
        }
        let span = self.place(&draft.path, draft.spot);
        let (line, column) = self.lines.position(span.start);
        // A value that the parser made up, to go on, has no place.
        let nowhere = span == (0..0);
        let unsure = !self.syntax_lines.is_empty()
            && (nowhere || UNSURE_WITHOUT_SYNTAX.contains(&draft.code));
        if unsure || self.syntax_lines.contains(&line) {
            return;
        }
        self.findings.push(Finding {
            severity: draft.severity,
            code: draft.code,
            message: draft.message,
            key: draft.path.to_string(),
            span: Some(span),
            line,
            column,
            value: draft.value.as_deref().map(cut),
            help: draft.help,
        });
    }

    /// The bytes of the deepest part of `path` that is written.
    fn place(&self, path: &KeyPath, spot: Spot) -> Range<usize> {
        let mut span = 0..0;
        let mut table = Some(self.root);
        let mut array: Option<&toml::de::DeArray<'i>> = None;
        for step in path.steps() {
            let (key, value): (Option<Range<usize>>, &Spanned<DeValue<'i>>) = match step {
                Step::Key(name) => match table.and_then(|t| t.get_key_value(name.as_str())) {
                    Some((key, value)) => (Some(key.span()), value),
                    None => break,
                },
                Step::Index(index) => match array.and_then(|a| a.get(*index)) {
                    Some(value) => (None, value),
                    None => break,
                },
            };
            table = value.get_ref().as_table();
            array = value.get_ref().as_array();
            let value = value.span();
            span = match key {
                Some(key) if spot == Spot::Key || !self.one_line(&value) => key,
                _ => self.first_line(value),
            };
        }
        span
    }

    fn one_line(&self, span: &Range<usize>) -> bool {
        self.text
            .get(span.clone())
            .is_some_and(|t| !t.contains('\n'))
    }

    fn first_line(&self, span: Range<usize>) -> Range<usize> {
        let length = self
            .text
            .get(span.clone())
            .and_then(|t| t.find('\n'))
            .unwrap_or_else(|| span.len());
        span.start..span.start + length
    }

    /// The findings by position, errors before warnings at the same place.
    pub(crate) fn finish(mut self) -> Vec<Finding> {
        let place = |f: &Finding| f.span.as_ref().map_or((0, 0), |s| (s.start, s.end));
        self.findings
            .sort_by(|a, b| (place(a), a.severity, &a.key).cmp(&(place(b), b.severity, &b.key)));
        if self.dropped > 0 {
            let end = self.text.len();
            let (line, column) = self.lines.position(end);
            self.findings.push(Finding {
                severity: if self.dropped_errors > 0 {
                    Severity::Error
                } else {
                    Severity::Warning
                },
                code: "too-many-findings",
                message: format!("{} more findings are not shown", self.dropped),
                key: String::new(),
                span: Some(end..end),
                line,
                column,
                value: None,
                help: Some("is this the right file?".to_owned()),
            });
        }
        self.findings
    }
}

/// A refused value is shown up to this many characters.
const VALUE_CHARS_MAX: usize = 120;

fn cut(value: &str) -> String {
    let mut shown: String = value.chars().take(VALUE_CHARS_MAX).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    shown
}
