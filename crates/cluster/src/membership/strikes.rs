//! How often a member was convicted in a row, and how long it is held out for that: each return of one that flaps is a
//! view change for everybody. All have to hold it out for as long, or their views differ for minutes; so those who
//! convict say how often it was, and those who compare what they know say for how long it still is.

use std::time::Duration;

use ninefold_core::time::Timestamp;

const FIRST_HOLD: Duration = Duration::from_secs(30);
const DOUBLINGS: u32 = 5;
/// One that was not convicted for so long has not flapped.
const FORGIVEN: Duration = Duration::from_secs(300);
/// One that is held out for less than that is as good as back.
const MATTERS: Duration = Duration::from_secs(10);
/// Who is lossy counts as convicted so often: it is taken back after two minutes at the earliest.
pub(super) const LOSSY: u32 = 4;

/// One that was convicted once may come back when it wants to, and then after half a minute, a minute, and so on up
/// to a quarter of an hour. Five minutes after it might come back that does not count any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Strikes {
    count: u32,
    /// When it was convicted last, and the time before that.
    last: Option<Timestamp>,
    before_last: Option<Timestamp>,
    held_until: Option<Timestamp>,
}

/// What those say of it who have convicted a member elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It was convicted that often.
    Strikes(u32),
    /// They hold it out for so long from now on, or not at all.
    HeldFor(Duration),
}

impl Told {
    /// For how long they hold it out from when they said so.
    pub(super) fn hold(self) -> Duration {
        match self {
            Self::Strikes(count) => hold(count).unwrap_or_default(),
            Self::HeldFor(left) => left,
        }
    }

    /// Whether they hold it out: then it concerns whatever process of it there is.
    pub(super) fn holds(self) -> bool {
        self.hold() >= MATTERS
    }
}

impl Strikes {
    /// How often, for others.
    pub(super) const fn count(self) -> u32 {
        self.count
    }

    /// It was convicted.
    pub(super) fn convicted(&mut self, now: Timestamp) {
        *self = Self {
            before_last: self.last,
            ..Self::new(self.so_far(now).saturating_add(1), now)
        };
    }

    /// Its process has ended, by the word of its host: it has not flapped, and the next one may come at once.
    pub(super) const fn ended(&mut self) {
        self.count = self.count.saturating_sub(1);
        self.last = self.before_last;
        self.held_until = None;
    }

    /// Others say how it is with one that is down since then; whether it was counted for less here.
    pub(super) fn told(&mut self, told: Told, since: Timestamp) -> bool {
        let before = *self;
        match told {
            Told::Strikes(count) if count > self.count => {
                *self = Self {
                    before_last: self.before_last,
                    ..Self::new(count, since)
                };
            }
            Told::HeldFor(left) if !left.is_zero() => {
                let left = left.min(FIRST_HOLD * 2u32.pow(DOUBLINGS));
                self.held_until = Some(since + left);
            }
            Told::Strikes(_) | Told::HeldFor(_) => {}
        }
        *self != before
    }

    /// Whether others have convicted it once more than is known here.
    pub(super) fn are_fewer_than(self, told: u32, now: Timestamp) -> bool {
        self.so_far(now) < told
    }

    /// Whether it is not to be taken back yet.
    pub(super) fn hold(self, now: Timestamp) -> bool {
        !self.left(now).is_zero()
    }

    /// Whether those who have it back should hear of that.
    pub(super) fn matter(self, now: Timestamp) -> bool {
        self.left(now) >= MATTERS
    }

    /// In whole seconds, for others.
    pub(super) fn held_secs(self, now: Timestamp) -> u32 {
        u32::try_from(self.left(now).as_secs()).unwrap_or(u32::MAX)
    }

    fn left(self, now: Timestamp) -> Duration {
        self.held_until
            .map_or(Duration::ZERO, |until| until.since(now))
    }

    fn so_far(self, now: Timestamp) -> u32 {
        let free = self.held_until.max(self.last);
        let counts = free.is_some_and(|free| now.since(free) < FORGIVEN);
        if counts { self.count } else { 0 }
    }

    fn new(count: u32, since: Timestamp) -> Self {
        Self {
            count,
            last: Some(since),
            before_last: None,
            held_until: hold(count).map(|hold| since + hold),
        }
    }
}

fn hold(strikes: u32) -> Option<Duration> {
    let doublings = strikes.checked_sub(2)?.min(DOUBLINGS);
    Some(FIRST_HOLD * 2u32.pow(doublings))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn who_flaps_is_held_out_for_longer_and_who_does_not_is_forgiven() {
        let mut strikes = Strikes::default();
        let mut held = |now| {
            strikes.convicted(at(now));
            strikes.held_secs(at(now))
        };
        assert_eq!(held(1_000), 0);
        assert_eq!(held(1_100), 30);
        assert_eq!(held(1_200), 60);
        assert_eq!(held(1_559), 120, "299 s are not enough");
        assert_eq!(held(1_979), 0, "it has stayed");
        assert_eq!(held(2_000), 30);
        let most = (0..40).map(|n| held(2_100 + n)).max();
        assert_eq!(most, Some(960));
    }

    #[test]
    fn that_a_process_ended_in_between_does_not_keep_it_from_being_forgiven() {
        let mut strikes = Strikes::default();
        strikes.convicted(at(100));
        strikes.convicted(at(200));
        assert_eq!(strikes.held_secs(at(200)), 30);
        for ended in [300, 450] {
            strikes.convicted(at(ended));
            strikes.ended();
            assert!(!strikes.hold(at(ended)));
        }
        strikes.convicted(at(529));
        assert_eq!(strikes.held_secs(at(529)), 0, "329 s after the last one");
    }

    #[test]
    fn what_others_counted_holds_from_when_it_went_down_here() {
        let mut strikes = Strikes::default();
        strikes.convicted(at(100));
        assert!(!strikes.hold(at(100)));
        assert!(strikes.told(Told::Strikes(3), at(100)));
        assert!(!strikes.told(Told::Strikes(3), at(100)));
        assert!(!strikes.told(Told::Strikes(2), at(100)));
        assert_eq!(strikes.held_secs(at(101)), 59);
        assert!(strikes.hold(at(159)) && !strikes.matter(at(159)));
        assert!(!strikes.hold(at(160)));
        assert!(strikes.told(Told::HeldFor(secs(7)), at(200)));
        assert!(!strikes.told(Told::HeldFor(secs(0)), at(300)));
        assert_eq!((strikes.count(), strikes.held_secs(at(200))), (3, 7));
        strikes.ended();
        assert_eq!((strikes.count(), strikes.hold(at(200))), (2, false));
    }

    #[test]
    fn a_conviction_that_was_counted_already_is_no_news() {
        let mut strikes = Strikes::default();
        strikes.told(Told::Strikes(3), at(100));
        assert!(!strikes.are_fewer_than(3, at(459)));
        assert!(strikes.are_fewer_than(4, at(459)));
        assert!(strikes.are_fewer_than(2, at(460)));
        assert!(Told::Strikes(2).holds() && !Told::Strikes(1).holds());
        assert!(Told::HeldFor(secs(10)).holds() && !Told::HeldFor(secs(9)).holds());
    }
}
