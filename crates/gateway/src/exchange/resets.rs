//! Clients that ask, and at once no longer want to know.

use std::cell::Cell;
use std::time::Duration;

/// Requests of one connection that its client may reset early beyond those that ended otherwise
/// (rapid reset, CVE-2023-44487, by a client that lets each of them begin).
const EARLY_RESETS_MAX: u32 = 500;

/// What is early. A client whose own time is up is later.
const EARLY: Duration = Duration::from_secs(1);

/// The account of one connection. A request that ended well makes up for one that was reset, but
/// for none to come.
#[derive(Debug, Default)]
pub(super) struct Resets(Cell<u32>);

impl Resets {
    /// Another request ended, reset by the client after `reset` if it was. Says whether that is too
    /// much.
    pub(super) fn ended(&self, reset: Option<Duration>) -> bool {
        let early = reset.is_some_and(|after| after < EARLY);
        let balance = if early {
            self.0.get().saturating_add(1)
        } else {
            self.0.get().saturating_sub(1)
        };
        self.0.set(balance);
        balance > EARLY_RESETS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Option<Duration> = Some(Duration::from_millis(1));

    #[test]
    fn early_resets_are_too_much_at_last() {
        let resets = Resets::default();
        for _ in 0..10_000 {
            assert!(!resets.ended(None), "nothing is saved up");
        }
        for n in 0..EARLY_RESETS_MAX {
            assert!(!resets.ended(AT_ONCE), "{n}");
        }
        assert!(resets.ended(AT_ONCE));
    }

    #[test]
    fn as_many_good_ends_make_up_for_them_and_late_ones_are_none() {
        let resets = Resets::default();
        for n in 0..5_000 {
            assert!(!resets.ended(AT_ONCE), "{n}");
            assert!(!resets.ended(None), "{n}");
            assert!(!resets.ended(Some(EARLY)), "{n}");
        }
    }
}
