//! What becomes of a request's copy.

use serde::{Deserialize, Serialize};

/// Bytes of a body that is kept so that it can be copied; larger ones are not.
pub(crate) const COPY_MAX: u64 = 64 << 10;

/// Copies under way on one thread at most; beyond, there are none.
pub(crate) const COPIES_MAX: u32 = 256;

/// What became of the copy of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mirrored {
    /// It was answered, and not with an error of the service.
    Ok,
    /// It was not, or with one.
    Failed,
    /// The other service has more to do than it can, or fails.
    Refused,
    /// It was not sent: the body is too large or was not there, too many are under way, or the request
    /// itself was refused.
    Skipped,
}

impl Mirrored {
    pub(crate) const ALL: [Self; 4] = [Self::Ok, Self::Failed, Self::Refused, Self::Skipped];

    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Skipped => "skipped",
        }
    }
}
