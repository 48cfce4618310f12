//! Times in which something is refused, so that each is told once and not each refusal.

use std::time::Duration;

use ninefold_core::time::Timestamp;

/// How long nothing may be refused before it counts as over.
const QUIET: Duration = Duration::from_secs(10);

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Something was refused, for the first time in a while.
    Began,
    /// Nothing is refused any more; so much was.
    Ended(u64),
}

/// Follows a count of refusals.
#[derive(Debug, Default)]
pub(super) struct Spell {
    seen: u64,
    /// The count before it began, and when it last grew.
    now: Option<(u64, Timestamp)>,
}

impl Spell {
    pub(super) fn look(&mut self, now: Timestamp, refused: u64) -> Option<Turn> {
        let before = std::mem::replace(&mut self.seen, refused);
        match self.now {
            None if refused > before => {
                self.now = Some((before, now));
                Some(Turn::Began)
            }
            Some((first, _)) if refused > before => {
                self.now = Some((first, now));
                None
            }
            Some((first, last)) if now.since(last) >= QUIET => {
                self.now = None;
                Some(Turn::Ended(refused - first))
            }
            None | Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spell_is_told_when_it_begins_and_once_it_is_over() {
        let mut spell = Spell::default();
        let mut look = |seconds, refused| spell.look(Timestamp::from_secs(seconds), refused);
        assert_eq!(look(0, 0), None);
        assert_eq!(look(1, 3), Some(Turn::Began));
        assert_eq!(look(2, 3), None);
        assert_eq!(look(9, 8), None);
        assert_eq!(look(18, 8), None);
        assert_eq!(look(19, 8), Some(Turn::Ended(8)));
        assert_eq!(look(40, 8), None);
        assert_eq!(look(41, 9), Some(Turn::Began));
        assert_eq!(look(51, 9), Some(Turn::Ended(1)));
    }
}
