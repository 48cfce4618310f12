//! One key of a table.

use super::Shape;

/// One key.
#[derive(Debug)]
pub(crate) struct Key {
    /// As written.
    pub(crate) name: &'static str,
    /// What it means, in a sentence or two.
    pub(crate) about: &'static str,
    /// What its value looks like.
    pub(crate) shape: Shape,
    /// Whether it must be there.
    pub(crate) required: bool,
    /// What is assumed where it is missing, as TOML. `None`: nothing, or it depends.
    pub(crate) default: Option<&'static str>,
    /// The key beside which alone it makes sense.
    pub(crate) needs: Option<&'static str>,
}

impl Key {
    /// An optional key.
    pub(crate) const fn new(name: &'static str, about: &'static str, shape: Shape) -> Self {
        Self {
            name,
            about,
            shape,
            required: false,
            default: None,
            needs: None,
        }
    }

    /// It must be there.
    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// What is assumed where it is missing.
    pub(crate) const fn default(mut self, toml: &'static str) -> Self {
        self.default = Some(toml);
        self
    }

    /// It makes sense only beside this key.
    pub(crate) const fn needs(mut self, key: &'static str) -> Self {
        self.needs = Some(key);
        self
    }
}
