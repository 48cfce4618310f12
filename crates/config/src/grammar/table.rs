//! One table of the file.

use super::Key;

/// One kind of table.
#[derive(Debug)]
pub(crate) struct Table {
    /// How messages call it, as in `a route`.
    pub(crate) title: &'static str,
    /// What it is for.
    pub(crate) about: &'static str,
    /// Its keys, in the order of the documentation.
    pub(crate) keys: &'static [Key],
    /// What must hold between them.
    pub(crate) rule: Option<Rule>,
    /// Keys that a later version will have.
    pub(crate) later: &'static [&'static str],
}

/// What must hold between the keys of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// Exactly one of these is there.
    ExactlyOne(&'static [&'static str]),
    /// One or more of these are there.
    AtLeastOne(&'static [&'static str]),
}

impl Table {
    /// The key with this name.
    pub(crate) fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// Its keys, for messages.
    pub(crate) fn key_names(&self) -> String {
        let names: Vec<_> = self.keys.iter().map(|k| format!("`{}`", k.name)).collect();
        names.join(", ")
    }
}
