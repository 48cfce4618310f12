//! From a file, or its text, to an [`Outcome`].

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use toml::de::DeTable;

use crate::finding::{KeyPath, Lines, Report};
use crate::walk::Walker;
use crate::{Finding, Outcome, Severity, build, check, grammar};

/// A file may have so many bytes at most.
pub const FILE_SIZE_MAX: u64 = 1 << 20;

/// Reads and validates a file, and looks whether the files that it names exist.
///
/// A file that cannot be read is a finding too, `unreadable`, which names the path and the error
/// of the operating system.
#[must_use]
pub fn read(path: &Path) -> Outcome {
    let mut bytes = Vec::new();
    let result =
        File::open(path).and_then(|file| file.take(FILE_SIZE_MAX + 1).read_to_end(&mut bytes));
    if let Err(error) = result {
        let message = format!("`{}` cannot be read: {error}", path.display());
        let mut outcome = refused(path, String::new(), "unreadable", message, None);
        if let Some(finding) = outcome.findings.first_mut() {
            finding.help = unreadable_help(&error).map(str::to_owned);
        }
        return outcome;
    }
    match String::from_utf8(bytes) {
        Ok(text) => validate(text, path, true),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            // Cut at the limit a character may be in halves; then it is too long, not binary.
            let whole = String::from_utf8_lossy(&bytes).into_owned();
            if bytes.len() as u64 > FILE_SIZE_MAX {
                return validate(whole, path, true);
            }
            let message = format!("`{}` is not UTF-8 text", path.display());
            refused(path, whole, "not-text", message, Some(at))
        }
    }
}

fn unreadable_help(error: &std::io::Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::NotFound => Some("name the file on the command line, or write one"),
        ErrorKind::IsADirectory => Some("name the file in it"),
        _ => None,
    }
}

/// Validates a text as if it were read from `path`, without looking at any other file.
#[must_use]
pub fn parse(text: &str, path: &Path) -> Outcome {
    validate(text.to_owned(), path, false)
}

fn validate(text: String, path: &Path, look: bool) -> Outcome {
    if text.len() as u64 > FILE_SIZE_MAX {
        let message = format!("the file has more than {FILE_SIZE_MAX} bytes");
        return refused(path, String::new(), "too-large", message, None);
    }
    let (root, syntax_errors) = DeTable::parse_recoverable(&text);
    let root = root.get_ref();
    let mut report = Report::new(&text, root);
    for error in syntax_errors {
        report.syntax(error.message(), error.span());
    }
    Walker::new(&mut report).table(&grammar::FILE, root, &KeyPath::default());
    let built = build::file(root, path);
    if !report.is_oversized() {
        check::file(&built, &mut report);
    }
    if look && !report.is_oversized() {
        check::paths(&built, &mut report);
    }
    let findings = report.finish();
    let valid = !findings.iter().any(|f| f.severity == Severity::Error);
    Outcome {
        file: valid.then_some(built.file),
        findings,
        path: path.to_owned(),
        text,
    }
}

/// An outcome with one error and no file.
fn refused(
    path: &Path,
    text: String,
    code: &'static str,
    message: String,
    at: Option<usize>,
) -> Outcome {
    let (line, column) = Lines::new(&text).position(at.unwrap_or(0));
    Outcome {
        file: None,
        findings: vec![Finding {
            severity: Severity::Error,
            code,
            message,
            key: String::new(),
            span: at.map(|at| at..at),
            line,
            column,
            value: None,
            help: None,
        }],
        path: path.to_owned(),
        text,
    }
}
