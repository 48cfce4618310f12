//! Findings for people.

use std::fmt::{self, Write as _};

use crate::{Finding, Outcome, Severity, Summary};

/// All findings, each with its line of the text, and a last line that counts them. Empty if there
/// are none.
#[must_use]
pub fn render(outcome: &Outcome) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    write(&mut out, outcome).unwrap_or_default();
    out
}

/// The same with a last line that also says what was checked, where nothing refuses the file.
#[must_use]
pub fn render_checked(outcome: &Outcome) -> String {
    let Some(file) = &outcome.file else {
        return render(outcome);
    };
    let mut out = String::new();
    checked(&mut out, outcome, &Summary::of(file)).unwrap_or_default();
    out
}

fn checked(out: &mut String, outcome: &Outcome, summary: &Summary) -> fmt::Result {
    findings(out, outcome)?;
    let warnings = match outcome.warnings() {
        0 => "no warnings".to_owned(),
        some => counted(some, "warning"),
    };
    let path = outcome.path.display();
    writeln!(out, "{path}: sound: {summary}; {warnings}")
}

fn findings(out: &mut String, outcome: &Outcome) -> fmt::Result {
    for finding in &outcome.findings {
        one(out, outcome, finding)?;
        writeln!(out)?;
    }
    Ok(())
}

fn write(out: &mut String, outcome: &Outcome) -> fmt::Result {
    findings(out, outcome)?;
    let counts: Vec<_> = [(outcome.errors(), "error"), (outcome.warnings(), "warning")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| counted(count, what))
        .collect();
    if !counts.is_empty() {
        writeln!(out, "{}: {}", outcome.path.display(), counts.join(", "))?;
    }
    Ok(())
}

/// `1 error`, `2 errors`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn one(out: &mut String, outcome: &Outcome, finding: &Finding) -> fmt::Result {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let number = finding.line.to_string();
    let gutter = " ".repeat(number.len());
    writeln!(
        out,
        "{severity}[{}]: {}",
        finding.code,
        printable(&finding.message)
    )?;
    writeln!(
        out,
        "{gutter}--> {}:{}:{}",
        outcome.path.display(),
        finding.line,
        finding.column
    )?;
    let source = outcome.text.lines().nth(finding.line - 1);
    if let (Some(span), Some(line)) = (&finding.span, source) {
        let (shown, before, length) = window(line, finding.column - 1, carets(outcome, span));
        writeln!(out, "{gutter} |")?;
        writeln!(out, "{number} | {}", shown.trim_end())?;
        writeln!(
            out,
            "{gutter} | {}{}",
            " ".repeat(before),
            "^".repeat(length)
        )?;
    }
    if let Some(help) = &finding.help {
        writeln!(out, "{gutter} = help: {}", printable(help))?;
    }
    Ok(())
}

/// How many characters of the first line a span covers, at least one.
fn carets(outcome: &Outcome, span: &std::ops::Range<usize>) -> usize {
    let covered = outcome.text.get(span.clone()).unwrap_or_default();
    covered
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        .max(1)
}

/// A line is shown up to so many characters, around the place that matters.
const LINE_CHARS_MAX: usize = 160;

/// The part of a line to show, where in it the carets begin, and how many there are.
fn window(line: &str, column: usize, carets: usize) -> (String, usize, usize) {
    let start = if column + carets > LINE_CHARS_MAX {
        column.saturating_sub(20)
    } else {
        0
    };
    let shown: String = line.chars().skip(start).take(LINE_CHARS_MAX).collect();
    let before = column - start;
    let length = carets.min(LINE_CHARS_MAX.saturating_sub(before)).max(1);
    (printable(&shown), before, length)
}

/// Control characters would disturb a terminal, and the columns.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}
