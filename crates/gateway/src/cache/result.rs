//! How a cache took part.

/// How the cache took part in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheResult {
    /// A fresh answer was kept.
    Hit,
    /// A stale one was given: while a new one is fetched, or because none can be had.
    Stale,
    /// The service said that the kept one is still good.
    Revalidated,
    /// The service was asked.
    Miss,
    /// The request is none for a cache.
    Bypass,
}

impl CacheResult {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [
        Self::Hit,
        Self::Stale,
        Self::Revalidated,
        Self::Miss,
        Self::Bypass,
    ];

    /// The name used in the access log and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stale => "stale",
            Self::Revalidated => "revalidated",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
        }
    }
}
