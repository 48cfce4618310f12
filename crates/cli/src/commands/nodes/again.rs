//! When a node that ended by itself is started again.

use std::time::Duration;

use ninefold_core::policy::Backoff;

/// A node that lived so long is stable: its next start is quick.
const STABLE_AFTER: Duration = Duration::from_secs(60);

const BACKOFF: Backoff = Backoff::exponential(Duration::from_secs(1), Duration::from_secs(30));

/// The ends of one node.
#[derive(Debug, Default)]
pub(super) struct Again {
    attempt: u32,
}

impl Again {
    /// How long to wait after an end of one that `lived` so long.
    pub(super) fn after(&mut self, lived: Duration) -> Duration {
        if lived >= STABLE_AFTER {
            self.attempt = 0;
        }
        let wait = BACKOFF.ceiling(self.attempt);
        self.attempt = self.attempt.saturating_add(1);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_until_a_node_is_stable() {
        let mut again = Again::default();
        let mut after = |lived| again.after(Duration::from_secs(lived)).as_secs();
        let waits: Vec<u64> = [0, 1, 59, 3, 0, 0, 0].map(&mut after).to_vec();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!([60, 0].map(&mut after), [1, 2]);
    }
}
