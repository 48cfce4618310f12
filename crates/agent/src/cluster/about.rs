//! What a node tells of itself that it may share with others: what fails together often has that in common.

use ninefold_config::model::File;
use serde::{Deserialize, Serialize};

use super::view::MemberView;

/// Under this key.
pub(crate) const KEY: &str = "about";

/// A node's program, configuration and place, in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    /// Ninefold's.
    pub(crate) version: String,
    /// [`ninefold_config::revision`] of what it goes by.
    pub(crate) revision: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rack: Option<String>,
}

impl About {
    /// That of this node.
    pub(crate) fn of(file: &File) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: ninefold_config::revision(file),
            rack: file.node.rack.as_ref().map(ToString::to_string),
        }
    }

    /// What a member says; nothing, where it says nothing that is understood.
    pub(crate) fn read(member: &MemberView) -> Option<Self> {
        serde_json::from_slice(member.entries.get(KEY)?).ok()
    }
}
