//! Output. A reader that went away is no reason to fail.

use std::io::Write;

/// A result, to the standard output.
pub(crate) fn out(text: &str) {
    drop(writeln!(std::io::stdout(), "{}", text.trim_end()));
}

/// Progress, to the standard error.
pub(crate) fn progress(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// Why it ends, to the standard error.
pub(crate) fn error(text: &str) {
    drop(writeln!(std::io::stderr(), "error: {}", text.trim_end()));
}
