use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which part an endpoint has in the gateway's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rotation {
    /// Not ready, or the gateway does not know it.
    #[default]
    Out,
    /// It takes its share.
    In,
    /// Its ejection is over; a small share of requests tries it.
    Canary,
    /// Live traffic took it out.
    Ejected,
    /// It answered wrongly: it gets nothing, until a person or a new process ends that.
    Quarantined,
}

impl Rotation {
    /// The name used in text and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
            Self::Canary => "canary",
            Self::Ejected => "ejected",
            Self::Quarantined => "quarantined",
        }
    }
}
