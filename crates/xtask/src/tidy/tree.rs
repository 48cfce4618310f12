//! The files that the rules look at.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::failure::{Failure, While};

/// Folders that hold nothing of ours.
const SKIPPED: [&str; 5] = ["target", ".git", ".ninefold", "data", "node_modules"];
/// What is read.
const KINDS: [&str; 3] = [".rs", ".toml", ".md"];
/// Deeper folders than this are none of ours.
const DEPTH_MAX: usize = 16;

/// Source files, manifests and documents by their path from the workspace's root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree(BTreeMap<String, String>);

impl Tree {
    /// Reads the workspace.
    pub(crate) fn read(root: &Path) -> Result<Self, Failure> {
        let mut tree = Self::default();
        tree.add(root, "", 0)?;
        Ok(tree)
    }

    fn add(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), Failure> {
        if depth > DEPTH_MAX {
            return Err(Failure::new(format!("{prefix} is too deep a folder")));
        }
        let shown = folder.display();
        for entry in fs::read_dir(folder).while_(&format!("read {shown}"))? {
            let entry = entry.while_(&format!("read {shown}"))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type().while_(&format!("read {path}"))?;
            if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
                self.add(&entry.path(), &format!("{path}/"), depth + 1)?;
            } else if kind.is_file()
                && (KINDS.iter().any(|kind| name.ends_with(kind)) || path == ".ci/run")
            {
                let text = fs::read_to_string(entry.path()).while_(&format!("read {path}"))?;
                self.0.insert(path, text);
            }
        }
        Ok(())
    }

    /// A file's text.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// All files.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// All Rust sources.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(|(path, _)| path.ends_with(".rs"))
    }

    /// The folders of all packages below the root, as in `crates/core`.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &str> {
        self.0
            .keys()
            .filter_map(|path| path.strip_suffix("/Cargo.toml"))
    }

    /// The names of the crates: of the folders right below `crates`.
    pub(crate) fn crates(&self) -> BTreeSet<&str> {
        self.packages()
            .filter_map(|folder| folder.strip_prefix("crates/"))
            .filter(|name| !name.contains('/'))
            .collect()
    }

    /// A tree made up for a test.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(p, t)| ((*p).to_owned(), (*t).to_owned()));
        Self(files.collect())
    }
}
