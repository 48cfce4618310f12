//! Where the workspace is.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The workspace's root: two folders above this crate.
pub(crate) fn root() -> Result<PathBuf, Failure> {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder
        .ancestors()
        .nth(2)
        .map(Path::to_owned)
        .ok_or_else(|| Failure::new(format!("{} is in no workspace", crate_folder.display())))
}
