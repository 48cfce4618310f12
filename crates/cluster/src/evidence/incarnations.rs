use std::time::Duration;

use ninefold_core::time::Timestamp;

use super::sign::Sign;

/// Incarnations of a subject that are remembered at most; older ones go first.
const INCARNATIONS_MAX: usize = 16;

/// An end counts towards a loop for so long.
const LOOP_WINDOW: Duration = Duration::from_secs(60);

/// Ends of that window that make a loop.
const LOOP_ENDS: usize = 3;

/// An incarnation that lived for so long was stable: ends before its own do not count.
const STABLE_AFTER: Duration = Duration::from_secs(5);

/// What is known of a subject's incarnations, from their nonces and ends. The order in which it is learnt does not
/// matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Incarnations {
    /// By when they were seen first.
    known: Vec<Incarnation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Incarnation {
    first: Timestamp,
    nonce: u64,
    ended: Option<Timestamp>,
}

impl Incarnations {
    /// It was seen to live at that time.
    pub(super) fn lives(&mut self, nonce: u64, at: Timestamp) {
        self.learn(nonce, at, None);
    }

    /// It was seen to end at that time.
    pub(super) fn ended(&mut self, nonce: u64, at: Timestamp) {
        self.learn(nonce, at, Some(at));
    }

    fn learn(&mut self, nonce: u64, at: Timestamp, ended: Option<Timestamp>) {
        match self.known.iter_mut().find(|one| one.nonce == nonce) {
            Some(one) => {
                one.first = one.first.min(at);
                one.ended = match (one.ended, ended) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
            }
            None => self.known.push(Incarnation {
                first: at,
                nonce,
                ended,
            }),
        }
        self.known.sort_unstable();
        let surplus = self.known.len().saturating_sub(INCARNATIONS_MAX);
        self.known.drain(..surplus);
    }

    /// What they say now, and since when: at most an end or a restart, and a loop.
    pub(super) fn signs(&self, now: Timestamp) -> impl Iterator<Item = (Sign, Timestamp)> {
        let exit = self
            .known
            .last()
            .and_then(|newest| newest.ended)
            .map(|at| (Sign::Exited, at));
        let (ends, last) = self.short_lives(now);
        let story = last.and_then(|last| {
            if ends >= LOOP_ENDS {
                Some((Sign::Looping, last))
            } else {
                exit.is_none().then_some((Sign::Restarted, last))
            }
        });
        exit.into_iter().chain(story)
    }

    /// How many ended in the window with none stable in between, and when the last one did.
    fn short_lives(&self, now: Timestamp) -> (usize, Option<Timestamp>) {
        let mut ends = 0;
        let mut last = None;
        let mut next: Option<Timestamp> = None;
        for one in self.known.iter().rev() {
            let by_the_next = next.replace(one.first);
            let Some(end) = one.ended.or(by_the_next) else {
                continue;
            };
            if now.since(end) > LOOP_WINDOW {
                break;
            }
            ends += 1;
            last.get_or_insert(end);
            if end.since(one.first) >= STABLE_AFTER {
                break;
            }
        }
        (ends, last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(known: &Incarnations, now: u64) -> Vec<Sign> {
        let now = Timestamp::from_secs(now);
        known.signs(now).map(|(sign, _)| sign).collect()
    }

    #[test]
    fn an_end_a_restart_and_a_loop() {
        let mut known = Incarnations::default();
        known.lives(7, Timestamp::from_secs(1));
        assert!(signs(&known, 100).is_empty());
        known.ended(7, Timestamp::from_secs(100));
        assert_eq!(signs(&known, 100), [Sign::Exited]);
        known.lives(8, Timestamp::from_secs(101));
        assert_eq!(signs(&known, 101), [Sign::Restarted]);
        known.ended(8, Timestamp::from_secs(102));
        known.lives(9, Timestamp::from_secs(103));
        assert_eq!(signs(&known, 103), [Sign::Restarted]);
        known.ended(9, Timestamp::from_secs(104));
        assert_eq!(signs(&known, 104), [Sign::Exited, Sign::Looping]);
        assert_eq!(signs(&known, 165), [Sign::Exited]);
    }

    #[test]
    fn nonces_alone_show_a_loop_and_a_stable_life_ends_it() {
        let mut known = Incarnations::default();
        for n in 0..4 {
            known.lives(n, Timestamp::from_secs(1_000 + n));
        }
        assert_eq!(signs(&known, 1_003), [Sign::Looping]);
        known.lives(4, Timestamp::from_secs(1_020));
        assert_eq!(signs(&known, 1_020), [Sign::Restarted]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut known = Incarnations::default();
        for n in 0..10_000 {
            known.lives(n, Timestamp::from_millis(n));
        }
        assert_eq!(known.known.len(), INCARNATIONS_MAX);
    }
}
