use std::ops::AddAssign;

/// What became of a route's requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouteTotals {
    /// Requests that ended.
    pub requests: u64,
    /// Of these: answered below 500 by the service.
    pub ok: u64,
    /// Of these: failed for the client.
    pub failed: u64,
    /// Of these: ended by the client, or by its own deadline, before the answer.
    pub cancelled: u64,
    /// Of these: refused as malformed or over a limit.
    pub refused: u64,
    /// Requests that met a failure and succeeded all the same.
    pub masked: u64,
}

impl AddAssign for RouteTotals {
    fn add_assign(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.ok = self.ok.saturating_add(other.ok);
        self.failed = self.failed.saturating_add(other.failed);
        self.cancelled = self.cancelled.saturating_add(other.cancelled);
        self.refused = self.refused.saturating_add(other.refused);
        self.masked = self.masked.saturating_add(other.masked);
    }
}
