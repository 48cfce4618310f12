use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::EvidenceLine;
use crate::taxonomy::FailureClass;
use crate::time::Timestamp;

/// What all that was said of a node, an instance, a link or a zone amounts to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Opinion {
    /// About whom: `node n2`, `instance catalog/1`, `link n1 to n2` (in this direction) or `zone a`.
    pub subject: String,
    /// How it fails; nothing of one that is well. `unknown` where something is wrong and no class is ten times as
    /// probable as the next.
    pub class: Option<FailureClass>,
    /// Since when it is not well.
    pub since: Timestamp,
    /// How probable each possibility is, the most probable first; those below one in a thousand are left out.
    pub posterior: Vec<Share>,
    /// What moved it most, the heaviest first, in decibels of the odds: +10 dB is ten to one.
    pub evidence: Vec<EvidenceLine>,
    /// What would tell the two most probable possibilities apart, the sharpest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<String>,
    /// Who began to fail within seconds of it, and what they share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub together: Option<String>,
}

/// How probable one possibility is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// `well` or a failure class.
    pub what: String,
    /// Its probability in thousandths.
    pub thousandths: u32,
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (percent, tenth) = (self.thousandths / 10, self.thousandths % 10);
        write!(f, "{} {percent}.{tenth} %", self.what)
    }
}

/// On one line: who, what, and the most probable three.
impl fmt::Display for Opinion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = self.class.map_or("well", FailureClass::name);
        let likely = self.posterior.iter().take(3).map(ToString::to_string);
        let likely: Vec<String> = likely.collect();
        write!(f, "{} is {class} ({})", self.subject, likely.join(", "))
    }
}
