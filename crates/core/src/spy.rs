//! What a node's own clocks and listeners say about the node. Whoever stands still hears from nobody, and would blame all
//! others.

mod listeners;

use std::time::Duration;

use crate::event::Disturbance;
use crate::time::nanos;

pub use listeners::{KNOCK_EVERY, KNOCK_PATIENCE, Knock, Listeners};

/// How often the clocks are looked at.
pub const PERIOD: Duration = Duration::from_millis(50);
/// A look that comes so much later than it should is told. Shorter ones are usual on a busy host.
pub const STALL_MIN: Duration = Duration::from_millis(500);
/// The host's sleep, and a jump of the wall clock, are told from so much on: what a daemon slews is far below.
pub const SHIFT_MIN: Duration = Duration::from_millis(100);
/// What decides hangs when it has not run for so long.
pub const HANG_MIN: Duration = Duration::from_secs(1);

/// The clocks at one moment, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// Does not count while the host sleeps.
    pub monotonic: u64,
    /// Does.
    pub boot: u64,
    /// Since the epoch. Can be set.
    pub wall: u64,
}

/// Looks at the clocks again and again, and at when the control plane last ran.
#[derive(Clone, Debug)]
pub struct Spy {
    last: Clocks,
    /// Before that nothing is held against the control plane: it stood still like all others.
    fair_since: u64,
    /// Since when the control plane hangs.
    hung_since: Option<u64>,
}

impl Spy {
    /// Begins now.
    #[must_use]
    pub const fn new(now: Clocks) -> Self {
        Self {
            last: now,
            fair_since: now.monotonic,
            hung_since: None,
        }
    }

    /// One look; `beat` is when the control plane last ran, by the monotonic clock. What has happened since the last.
    pub fn look(&mut self, now: Clocks, beat: u64) -> Vec<Disturbance> {
        let last = std::mem::replace(&mut self.last, now);
        let mut found = Vec::new();
        let passed = now.monotonic.saturating_sub(last.monotonic);
        let late = passed.saturating_sub(nanos(PERIOD));
        if late >= nanos(STALL_MIN) {
            self.fair_since = now.monotonic;
            found.push(Disturbance::Stalled { for_ns: late });
        }
        let slept = now.boot.saturating_sub(last.boot).saturating_sub(passed);
        if slept >= nanos(SHIFT_MIN) {
            found.push(Disturbance::Suspended { for_ns: slept });
        }
        let offset = |clocks: Clocks| i128::from(clocks.wall) - i128::from(clocks.boot);
        let jump = offset(now) - offset(last);
        if jump.unsigned_abs() >= u128::from(nanos(SHIFT_MIN)) {
            let by_ns = i64::try_from(jump).unwrap_or(if jump < 0 { i64::MIN } else { i64::MAX });
            found.push(Disturbance::ClockJumped { by_ns });
        }
        found.extend(self.listen(now.monotonic, beat));
        found
    }

    /// Whether the control plane hangs, and since when; told once it runs again.
    fn listen(&mut self, now: u64, beat: u64) -> Option<Disturbance> {
        let since = beat.max(self.fair_since);
        if now.saturating_sub(since) >= nanos(HANG_MIN) {
            self.hung_since.get_or_insert(since);
            return None;
        }
        // It was late by as much as all threads were: then it did not hang.
        let hung = self.hung_since.take().filter(|hung| beat > *hung)?;
        Some(Disturbance::ControlHung {
            for_ns: beat - hung,
        })
    }

    /// Since when the control plane hangs, if it does.
    #[must_use]
    pub const fn hung_since(&self) -> Option<u64> {
        self.hung_since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    struct Scene {
        clocks: Clocks,
        beat: u64,
        spy: Spy,
    }

    impl Scene {
        fn new() -> Self {
            let clocks = Clocks {
                monotonic: 1_000 * MS,
                boot: 5_000 * MS,
                wall: 1_700_000_000_000 * MS,
            };
            Self {
                clocks,
                beat: clocks.monotonic,
                spy: Spy::new(clocks),
            }
        }

        fn pass(&mut self, ms: u64) {
            self.clocks.monotonic += ms * MS;
            self.clocks.boot += ms * MS;
            self.clocks.wall += ms * MS;
        }

        /// Looks after so many milliseconds; the control plane ran just before, if it `runs`.
        fn after(&mut self, ms: u64, runs: bool) -> Vec<Disturbance> {
            self.pass(ms);
            if runs {
                self.beat = self.clocks.monotonic;
            }
            self.spy.look(self.clocks, self.beat)
        }
    }

    #[test]
    fn a_usual_host_is_not_told_of() {
        let mut scene = Scene::new();
        for ms in [50, 51, 90, 300, 549, 50] {
            assert_eq!(scene.after(ms, true), []);
        }
    }

    #[test]
    fn who_stood_still_does_not_blame_its_control_plane() {
        let mut scene = Scene::new();
        let for_ns = 2_950 * MS;
        assert_eq!(scene.after(3_000, false), [Disturbance::Stalled { for_ns }]);
        assert_eq!(scene.spy.hung_since(), None);
        assert_eq!(scene.after(50, true), []);
    }

    #[test]
    fn a_control_plane_that_hangs_is_told_of_when_it_runs_again() {
        let mut scene = Scene::new();
        for _ in 0..30 {
            assert_eq!(scene.after(50, false), []);
        }
        assert_eq!(scene.spy.hung_since(), Some(1_000 * MS));
        let for_ns = 1_550 * MS;
        assert_eq!(scene.after(50, true), [Disturbance::ControlHung { for_ns }]);
        assert_eq!(scene.spy.hung_since(), None);
        assert_eq!(scene.after(50, true), []);
    }

    #[test]
    fn a_clock_that_is_set_and_a_host_that_slept_are_told_apart() {
        let mut scene = Scene::new();
        scene.clocks.wall -= 3_600_000 * MS;
        let by_ns = -3_600_000 * i64::try_from(MS).unwrap();
        assert_eq!(scene.after(50, true), [Disturbance::ClockJumped { by_ns }]);
        // Asleep both of these go on.
        scene.clocks.boot += 60_000 * MS;
        scene.clocks.wall += 60_000 * MS;
        let for_ns = 60_000 * MS;
        assert_eq!(scene.after(50, true), [Disturbance::Suspended { for_ns }]);
        // A clock that is slewed by 500 ppm.
        scene.clocks.wall += MS / 40;
        assert_eq!(scene.after(50, true), []);
    }

    #[test]
    fn clocks_that_go_backwards_do_no_harm() {
        let mut scene = Scene::new();
        let mut clocks = scene.clocks;
        clocks.monotonic = 0;
        clocks.boot = 0;
        let found = scene.spy.look(clocks, u64::MAX);
        assert!(
            matches!(found[..], [Disturbance::ClockJumped { .. }]),
            "{found:?}"
        );
    }
}
