//! What goes with a call through a pipeline.

use ninefold_core::policy::{Repeat, RequestMeta};

/// What goes with a call through a pipeline. The default is an ordinary call without a deadline
/// that may be repeated only if it certainly was not sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// What policies may know of it.
    pub request: RequestMeta,
    /// Whether it may be repeated.
    pub repeat: Repeat,
}

impl Call {
    /// An ordinary call that is idempotent.
    #[must_use]
    pub fn idempotent() -> Self {
        Self {
            repeat: Repeat::Always,
            ..Self::default()
        }
    }

    /// The same call, with what policies may know of it.
    #[must_use]
    pub const fn with_request(self, request: RequestMeta) -> Self {
        Self { request, ..self }
    }

    /// The same call, in a further attempt.
    #[must_use]
    pub const fn attempt(self, number: u32) -> Self {
        let request = RequestMeta {
            attempt: number,
            ..self.request
        };
        Self { request, ..self }
    }
}
