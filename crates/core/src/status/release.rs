use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a process was started from.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Release {
    /// `version` of its service, if the file says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// A hash of the command, the environment, the directory, the user and the version that the file gives its
    /// service: the same for all replicas, on every node.
    pub revision: String,
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{version}, revision {}", self.revision),
            None => write!(f, "revision {}", self.revision),
        }
    }
}
