//! The keeper alone, for the tests: `keeper FOLDER`.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args_os().nth(1) {
        Some(folder) => ninefold_supervise::keeper::main(&PathBuf::from(folder)),
        None => ExitCode::from(2),
    }
}
