//! Exit codes, stable over versions.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done; for `check` no errors, for `verify` every claim proven.
    Ok,
    /// 1: the answer is no: the file has errors, a claim is refuted.
    No,
    /// 2: it could not be done: wrong usage, nothing runs, an address is in use.
    Failed,
    /// Another code, defined where it is made (`verify`: 3 inconclusive or untested, 4 refused).
    Code(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Ok => Self::SUCCESS,
            Exit::No => Self::from(1),
            Exit::Failed => Self::from(2),
            Exit::Code(code) => Self::from(code),
        }
    }
}
