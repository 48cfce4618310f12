//! Another opinion than the one that was said, until it has held for long enough to be said.

use std::time::Duration;

use ninefold_core::taxonomy::FailureClass;
use ninefold_core::time::Timestamp;

/// What is thought of a subject, and was not said yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    class: Option<FailureClass>,
    /// Since when it is that class, and since when it is any, or none.
    since: Timestamp,
    ill_since: Timestamp,
}

impl Pending {
    pub(super) const fn new(class: Option<FailureClass>, at: Timestamp) -> Self {
        Self {
            class,
            since: at,
            ill_since: at,
        }
    }

    /// What is thought now.
    pub(super) fn think(&mut self, class: Option<FailureClass>, at: Timestamp) {
        if self.class == class {
            return;
        }
        if self.class.is_some() != class.is_some() {
            self.ill_since = at;
        }
        (self.class, self.since) = (class, at);
    }

    /// Whether it is that class for as long as `as_class`, and not well, or well, for as long as `at_all`.
    pub(super) fn has_held(&self, as_class: Duration, at_all: Duration, at: Timestamp) -> bool {
        at.since(self.since) >= as_class && at.since(self.ill_since) >= at_all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_ill_in_one_way_or_another_is_ill_all_the_time() {
        let at = Timestamp::from_secs;
        let (second, three) = (Duration::from_secs(1), Duration::from_secs(3));
        let (gray, unknown) = (Some(FailureClass::Gray), Some(FailureClass::Unknown));
        let mut pending = Pending::new(gray, at(10));
        for now in 11..13 {
            pending.think(if now % 2 == 0 { gray } else { unknown }, at(now));
            assert!(!pending.has_held(Duration::ZERO, three, at(now)));
        }
        pending.think(unknown, at(13));
        assert!(pending.has_held(Duration::ZERO, three, at(13)));
        assert!(!pending.has_held(second, three, at(13)));
        assert!(pending.has_held(second, three, at(14)));
        pending.think(None, at(15));
        assert!(!pending.has_held(Duration::ZERO, three, at(17)));
    }
}
