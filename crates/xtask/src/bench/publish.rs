//! What a bench says in the end, and where it is kept.

use std::fs;

use serde_json::{Value, json};

use super::machine;
use crate::failure::{Failure, While};
use crate::{say, workspace};

/// The rows that a driver said, as a page or as JSON.
pub(super) fn rows(facts: &[(String, String)], rows: &[Value], page: &str, as_json: bool) {
    if as_json {
        let machine = machine::json(facts);
        say::out(&json!({ "machine": machine, "results": rows }).to_string());
    } else {
        say::out(page);
    }
}

/// Keeps a page, at a path from the root of the workspace.
pub(super) fn keep(path: &str, page: &str) -> Result<(), Failure> {
    let path = workspace::root()?.join(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).while_(&format!("make {}", folder.display()))?;
    }
    fs::write(&path, page).while_(&format!("write {}", path.display()))
}
