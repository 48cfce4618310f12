//! Which file a command's first word names, and why it cannot be run.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::spawn::SpawnError;

/// The system reads no more of a script's first line.
const LINE_BYTES_MAX: u64 = 256;

/// The folders of programs that this process inherited.
pub(super) fn inherited_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into())
}

/// Finds `program`: a path as it is, a plain name in the folders of `path`.
///
/// The system says "no such file" for a missing program, a missing interpreter and a missing
/// working directory alike; a person needs to know which.
pub(crate) fn find(program: &str, path: &OsStr) -> Result<PathBuf, SpawnError> {
    if program.contains('/') {
        let file = PathBuf::from(program);
        return check(&file).map(|()| file);
    }
    let mut refused = None;
    for folder in std::env::split_paths(path) {
        let file = folder.join(program);
        match check(&file) {
            Ok(()) => return Ok(file),
            Err(SpawnError::NoProgram { .. }) => {}
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or_else(|| SpawnError::NotInPath {
        program: program.to_owned(),
        path: path.to_string_lossy().into_owned(),
    }))
}

fn check(file: &Path) -> Result<(), SpawnError> {
    let Ok(about) = file.metadata() else {
        return Err(SpawnError::NoProgram {
            program: file.to_owned(),
        });
    };
    if about.is_dir() {
        return Err(SpawnError::Folder {
            program: file.to_owned(),
        });
    }
    let mode = about.permissions().mode() & 0o7777;
    if mode & 0o111 == 0 {
        return Err(SpawnError::NotExecutable {
            program: file.to_owned(),
            mode,
        });
    }
    Ok(())
}

/// What the first line of a script names after its `#!`.
pub(super) fn interpreter(file: &Path) -> Option<String> {
    let mut line = Vec::new();
    BufReader::new(File::open(file).ok()?.take(LINE_BYTES_MAX))
        .read_until(b'\n', &mut line)
        .ok()?;
    let line = String::from_utf8_lossy(line.strip_prefix(b"#!")?).into_owned();
    line.split_ascii_whitespace().next().map(str::to_owned)
}
