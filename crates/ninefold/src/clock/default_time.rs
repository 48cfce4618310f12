//! The timers that a policy uses unless it is told others.

/// tokio's, with the feature `tokio`.
#[cfg(feature = "tokio")]
pub type DefaultTime = super::TokioTime;

/// None: without the feature `tokio`, name one. It has no value.
#[cfg(not(feature = "tokio"))]
#[derive(Clone, Copy, Debug)]
pub enum DefaultTime {}
