/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct TraceError {
    /// The line, from 1.
    pub line: u64,
    /// What it is.
    pub problem: Problem,
}

/// What can be wrong with a row, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It does not end.
    #[error("it has more than {limit} bytes; a row is three numbers at most")]
    TooLong {
        /// Bytes that it may have.
        limit: usize,
    },
    /// A heading of something else.
    #[error(
        "`{0}` is no heading of a trace; begin with `seq,sent_us,arrived_us`, with `arrived_us`, or with the first row"
    )]
    Heading(String),
    /// Another number of fields than the rows before.
    #[error(
        "`{value}` has {found} fields where rows have {expected}; all rows of a trace have one form"
    )]
    Fields {
        /// The row.
        value: String,
        /// Fields that it has.
        found: usize,
        /// Fields that the first row, or the heading, has.
        expected: usize,
    },
    /// No whole number.
    #[error("`{value}` is no {name}; write a whole number, as in `1700000`")]
    Number {
        /// What stands there.
        value: String,
        /// What should.
        name: &'static str,
    },
    /// A number above what fits.
    #[error("{name} `{value}` is too large; times are microseconds, up to {limit}")]
    TooLarge {
        /// What stands there.
        value: String,
        /// What it is.
        name: &'static str,
        /// What it may be.
        limit: u64,
    },
    /// Time goes back.
    #[error(
        "{name} {value} is before {before} of a row above it; record with a monotonic clock, and sort rows by arrival"
    )]
    Backwards {
        /// What stands there.
        value: u64,
        /// What it is.
        name: &'static str,
        /// The newest time before.
        before: u64,
    },
}
