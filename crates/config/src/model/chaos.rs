//! `[chaos]`: limits on what `verify` may do here.

use super::Span;

/// `[chaos]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chaos {
    /// `enabled`: whether faults may be injected at all. Default true (they are only ever injected
    /// by `ninefold verify`, on this cluster's own instances).
    pub enabled: bool,
    /// `ttl_max`: no injected fault lasts longer. Default 60 s.
    pub ttl_max: Span,
}

impl Default for Chaos {
    fn default() -> Self {
        Self {
            enabled: true,
            ttl_max: Span::secs(60),
        }
    }
}
