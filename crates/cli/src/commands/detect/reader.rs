//! Reading a trace, in pieces of constant size.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use ninefold_cluster::trace::{LINE_BYTES_MAX, Step, TraceError, TraceParser};

/// Rows of a trace at most: at ten a second, three years.
pub(super) const ROWS_MAX: u64 = 1_000_000_000;

/// Steps read at once.
const PIECE: usize = 16 << 10;

/// Why a trace cannot be read.
#[derive(Debug)]
pub(super) enum ReadError {
    /// A row is wrong.
    Row(PathBuf, TraceError),
    /// There are too many of them.
    TooMany(PathBuf),
    /// The file cannot be read.
    File(PathBuf, std::io::Error),
    /// A trace is read twice: first what it is like, then what the detectors make of it.
    NoFile(PathBuf),
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Row(path, error) => {
                write!(f, "{}:{}: {}", path.display(), error.line, error.problem)
            }
            Self::TooMany(path) => write!(
                f,
                "{}: more than {ROWS_MAX} rows; replay a part of it",
                path.display()
            ),
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::NoFile(path) => write!(
                f,
                "{} is no file; a trace is read twice, so save it first",
                path.display()
            ),
        }
    }
}

/// Reads a trace and hands on its steps, many at a time.
pub(super) fn read(path: &Path, mut steps_of: impl FnMut(&[Step])) -> Result<(), ReadError> {
    let failed = |error| ReadError::File(path.to_owned(), error);
    let file = File::open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(ReadError::NoFile(path.to_owned()));
    }
    let mut file = BufReader::with_capacity(64 << 10, file);
    let mut parser = TraceParser::new();
    let mut steps = Vec::with_capacity(PIECE);
    let mut line = Vec::with_capacity(LINE_BYTES_MAX + 1);
    let mut rows = 0;
    loop {
        line.clear();
        // One byte more than may be, so that the parser sees that it is too long.
        let longest = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX) + 1;
        let size = file.by_ref().take(longest).read_until(b'\n', &mut line);
        if size.map_err(failed)? == 0 {
            break;
        }
        let step = parser.line(&line);
        let step = step.map_err(|error| ReadError::Row(path.to_owned(), error))?;
        let Some(step) = step else { continue };
        rows += 1;
        if rows > ROWS_MAX {
            return Err(ReadError::TooMany(path.to_owned()));
        }
        steps.push(step);
        if steps.len() == PIECE {
            steps_of(&steps);
            steps.clear();
        }
    }
    steps_of(&steps);
    Ok(())
}
