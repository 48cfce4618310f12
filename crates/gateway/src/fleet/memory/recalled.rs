//! What became of it.

use std::fmt;

/// What became of a [`Memory`](super::Memory).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recalled {
    /// Endpoints that stay out of rotation.
    pub ejected: usize,
    /// Breakers that stay open.
    pub breakers: usize,
    /// Services whose limit of requests under way is known.
    pub limits: usize,
    /// Canaries that stay rolled back.
    pub rolled_back: usize,
    /// Faults that go on.
    pub faults: usize,
    /// All that was taken, these included.
    pub taken: usize,
    /// What belongs to other settings than those of this file, or to nobody in it.
    pub others: usize,
    /// What could not be read.
    pub left_out: Vec<String>,
}

impl fmt::Display for Recalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        for (n, one, many) in [
            (
                self.ejected,
                "endpoint out of rotation",
                "endpoints out of rotation",
            ),
            (self.breakers, "open breaker", "open breakers"),
            (self.limits, "learnt limit", "learnt limits"),
            (
                self.rolled_back,
                "canary rolled back",
                "canaries rolled back",
            ),
            (self.faults, "injected fault", "injected faults"),
        ] {
            match n {
                0 => {}
                1 => parts.push(format!("1 {one}")),
                n => parts.push(format!("{n} {many}")),
            }
        }
        let named = self.ejected + self.breakers + self.limits + self.rolled_back + self.faults;
        match self.taken.saturating_sub(named) {
            0 if parts.is_empty() => parts.push("nothing".to_owned()),
            0 => {}
            more => parts.push(format!("{more} more")),
        }
        f.write_str(&parts.join(", "))
    }
}
