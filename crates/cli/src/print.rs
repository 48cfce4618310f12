//! Writing to the terminal. A reader that went away (`ninefold events | head`) is no error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

/// Whether some of the answer could not be written, as onto a full disk.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether some of the answer is lost: the command has failed then, whatever it did.
pub(crate) fn is_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Writes text to standard output; false once it cannot be written any more.
pub(crate) fn out(text: &str) -> bool {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match written {
        Ok(()) => true,
        Err(problem) => {
            if problem.kind() != io::ErrorKind::BrokenPipe && !LOST.swap(true, Ordering::Relaxed) {
                error(format!("standard output: {problem}"));
            }
            false
        }
    }
}

/// Writes one line to standard output; false once nobody reads it any more.
pub(crate) fn line(text: impl Display) -> bool {
    out(&format!("{text}\n"))
}

/// Writes text that quotes others (exit reasons, probe answers) to standard output, without what
/// could steer a terminal; false once nobody reads it any more.
pub(crate) fn quoted(text: &str) -> bool {
    let harmless = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    out(&text.chars().map(harmless).collect::<String>())
}

/// Writes one line to standard error. If that is closed there is nobody to tell.
pub(crate) fn note(text: impl Display) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Writes an error to standard error, as `error: …`.
pub(crate) fn error(text: impl Display) {
    note(format!("error: {text}"));
}

/// Writes a value as JSON: indented for a person, on one line for a program.
pub(crate) fn json(value: &impl Serialize) -> bool {
    let text = if io::stdout().is_terminal() {
        serde_json::to_string_pretty(value)
    } else {
        serde_json::to_string(value)
    };
    match text {
        Ok(text) => line(text),
        Err(problem) => {
            error(format!("the answer cannot be written as JSON: {problem}"));
            false
        }
    }
}
