//! `[slo.NAME]`: what "up" means for a route.

use super::{Name, Ratio, Span};

/// One objective. At least one of `availability` and `latency` is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slo {
    /// `route`: by its name or by its path; here resolved to the name.
    pub route: Name,
    /// `availability`: the share of requests that do not fail.
    pub availability: Option<Ratio>,
    /// `latency = { under = "300ms", share = "99%" }`.
    pub latency: Option<LatencyObjective>,
    /// `window`. Default 30 d, at most 90 d.
    pub window: Span,
}

/// The share of answered requests that must be faster than a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyObjective {
    /// `under`.
    pub under: Span,
    /// `share`.
    pub share: Ratio,
}
