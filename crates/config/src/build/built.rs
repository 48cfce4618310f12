//! The model, and what of it is written in the file.

use super::view::View;
use crate::finding::KeyPath;
use crate::model::File;

/// A built file beside the tables it was built from.
#[derive(Debug)]
pub(crate) struct Built<'a, 'i> {
    /// The model; with placeholders where the text has errors.
    pub(crate) file: File,
    pub(super) root: View<'a, 'i>,
}

impl Built<'_, '_> {
    /// Whether a key is written, rather than assumed.
    pub(crate) fn written(&self, path: &KeyPath) -> bool {
        self.root.find(path).is_some()
    }

    /// The text at a key, if it is written and a text.
    pub(crate) fn text(&self, path: &KeyPath) -> Option<&str> {
        self.root.find(path)?.as_str()
    }

    /// The names that are written in a table of the root, valid or not.
    pub(crate) fn names(&self, table: &str) -> Vec<&str> {
        let entries = self.root.entries(table);
        entries.into_iter().map(|(name, _)| name).collect()
    }
}
