//! Readers of an instance's files, which no public function reaches without a process, for the
//! targets in `fuzz`.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::disk::{ExitRecord, KeeperLine, RunRecord, Spec, read_json, write_json};
use crate::launch::read_env_file;
use crate::process::ProcessId;

/// The variables of an `env_file`, or why it is refused.
///
/// # Errors
///
/// What a person would be told.
pub fn env_file(path: &Path) -> Result<BTreeMap<String, String>, String> {
    read_env_file(path).map_err(|error| error.to_string())
}

/// Reads a file as each of the documents that there are; whatever is read is written and read the
/// same again.
///
/// # Panics
///
/// If one is not.
pub fn documents(path: &Path) {
    again::<Spec>(path);
    again::<RunRecord>(path);
    again::<ExitRecord>(path);
    again::<KeeperLine>(path);
    again::<ProcessId>(path);
}

fn again<T: Serialize + DeserializeOwned + PartialEq + Debug>(path: &Path) {
    if let Ok(Some(document)) = read_json::<T>(path) {
        let copy = path.with_extension("copy");
        let written = write_json(&copy, &document);
        let read = read_json::<T>(&copy);
        assert!(
            written.is_ok() && matches!(&read, Ok(Some(read)) if *read == document),
            "{document:?} became {read:?}"
        );
    }
}
