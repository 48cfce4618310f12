use std::time::Duration;

use ninefold_core::time::{Timestamp, nanos};

use super::config::Config;
use super::rounds::Rounds;
use super::wire::Cause;
use crate::detector::{Cantelli, FailureDetector, Request};

/// Answers that an edge's deadline is made of.
const SHORT: usize = Cantelli::SHORT;
const LONG: usize = Cantelli::LONG;
/// Never less patient than that: a scheduler is no failure.
const TIMEOUT_MIN: Duration = Duration::from_millis(20);
/// Mistakes that are remembered, and for how long each.
const MISTAKES: u32 = 3;
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// A question under way.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    pub(super) seq: u64,
    pub(super) sent: Timestamp,
    pub(super) wait: Duration,
    pub(super) deadline: Timestamp,
    /// Whether others were asked as well.
    pub(super) indirect: bool,
    pub(super) relays: usize,
    pub(super) nacks: usize,
}

/// What was said about the subject of an edge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accused {
    pub(super) cause: Cause,
    pub(super) challenge: u32,
    pub(super) at: Timestamp,
    /// When everybody was told last; before that only those who observe it as well.
    pub(super) open: Option<Timestamp>,
}

/// One subject that this node observes.
///
/// The deadline of an answer is our detector's. It hears of answers as of heartbeats on a time of its own, in which
/// questions are exactly one interval apart: so only what the path adds is judged, not when a question was due.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    detector: Cantelli,
    round: u64,
    pub(super) next_at: Timestamp,
    pub(super) probe: Option<Probe>,
    pub(super) answered: Option<Timestamp>,
    pub(super) misses: u32,
    pub(super) accused: Option<Accused>,
    /// Another observer accuses it: it is to be asked on all paths at once.
    pub(super) doubted: bool,
    /// It was said to lose too much, and has not lost little since.
    pub(super) is_lossy: bool,
    /// The last answer came through others.
    pub(super) relayed: bool,
    /// How the last questions ended.
    pub(super) rounds: Rounds,
    /// How often the subject was accused here and was there after all, and when last.
    mistakes: u32,
    mistaken: Timestamp,
}

impl Edge {
    pub(super) fn new(config: &Config, first: Timestamp) -> Self {
        let request = Request {
            detection_time: config.probe_interval + config.probe_timeout_max,
            mistake_recurrence: config.mistake_recurrence,
        };
        Self {
            detector: Cantelli::with_windows(config.probe_interval, request, SHORT, LONG),
            round: 0,
            next_at: first,
            probe: None,
            answered: None,
            misses: 0,
            accused: None,
            doubted: false,
            is_lossy: false,
            relayed: false,
            rounds: Rounds::default(),
            mistakes: 0,
            mistaken: Timestamp::ZERO,
        }
    }

    /// How long an answer to the next question is waited for.
    pub(super) fn timeout(&self, config: &Config) -> Duration {
        let due = self.virtual_time(config, self.round.saturating_add(1));
        let deadline = self.detector.deadline();
        let wait = deadline.map_or(config.probe_timeout_max, |deadline| deadline.since(due));
        wait.max(TIMEOUT_MIN)
    }

    /// A question is asked.
    pub(super) fn asks(&mut self, seq: u64, now: Timestamp) {
        self.round = self.round.saturating_add(1);
        self.rounds.asks(seq, now);
    }

    /// The question under way says nothing: it is as if it had not been asked.
    pub(super) fn give_up(&mut self) -> bool {
        let Some(probe) = self.probe.take() else {
            return false;
        };
        self.round -= 1;
        self.rounds.not_asked(probe.seq);
        true
    }

    /// A direct answer to the question of this round came after `took`.
    pub(super) fn took(&mut self, config: &Config, took: Duration) {
        let arrived = self.virtual_time(config, self.round) + took;
        self.detector.heartbeat(self.round, None, arrived);
    }

    /// The subject was accused here, and is there.
    pub(super) fn mistaken(&mut self, now: Timestamp) {
        self.mistakes = (self.mistakes(now) + 1).min(MISTAKES);
        self.mistaken = now;
    }

    /// How often it was lately: so many more questions than one are missed before it is accused again.
    pub(super) fn mistakes(&self, now: Timestamp) -> u32 {
        let since = now.since(self.mistaken).as_nanos() / FORGIVEN_AFTER.as_nanos();
        self.mistakes
            .saturating_sub(u32::try_from(since).unwrap_or(u32::MAX))
    }

    /// So lately that who doubts the subject may not have heard what is known here.
    pub(super) fn has_answered_lately(&self, now: Timestamp) -> bool {
        self.answered
            .is_some_and(|at| now.since(at) <= Duration::from_millis(50))
    }

    /// When something is to be done.
    pub(super) fn due(&self) -> Timestamp {
        self.probe
            .as_ref()
            .map_or(self.next_at, |probe| probe.deadline)
    }

    fn virtual_time(&self, config: &Config, round: u64) -> Timestamp {
        Timestamp::from_nanos(nanos(config.probe_interval).saturating_mul(round))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_up_is_no_loss() {
        let config = Config::default();
        let (mut given_up, mut lost) = (Edge::new(&config, Timestamp::ZERO), None);
        for seq in 0..100u64 {
            given_up.asks(seq, Timestamp::ZERO);
            given_up.took(&config, Duration::from_millis(1));
        }
        let before = given_up.timeout(&config);
        for give_up in [false, true] {
            let mut edge = given_up.clone();
            for _ in 0..3 {
                edge.asks(1, Timestamp::ZERO);
                edge.probe = Some(Probe {
                    seq: 1,
                    sent: Timestamp::ZERO,
                    wait: before,
                    deadline: Timestamp::ZERO,
                    indirect: false,
                    relays: 0,
                    nacks: 0,
                });
                if give_up {
                    assert!(edge.give_up() && !edge.give_up());
                }
            }
            edge.asks(2, Timestamp::ZERO);
            edge.took(&config, Duration::from_millis(1));
            if give_up {
                assert!(edge.timeout(&config) <= before);
            } else {
                lost = Some(edge.timeout(&config));
            }
        }
        assert_eq!(lost, Some(Duration::from_millis(201)));
    }

    #[test]
    fn patience_follows_the_path() {
        let config = Config::default();
        let mut edge = Edge::new(&config, Timestamp::ZERO);
        assert_eq!(edge.timeout(&config), Duration::from_millis(200));
        for round in 0..2_000u64 {
            edge.asks(round, Timestamp::ZERO);
            edge.took(&config, Duration::from_micros(900 + round % 200));
        }
        let fast = edge.timeout(&config);
        assert!(
            fast > TIMEOUT_MIN && fast < Duration::from_millis(120),
            "{fast:?}"
        );
        for _ in 0..40 {
            edge.asks(2_000, Timestamp::ZERO);
            edge.took(&config, Duration::from_millis(80));
        }
        let slow = edge.timeout(&config);
        assert!(
            slow > Duration::from_millis(80) && slow <= Duration::from_millis(281),
            "{slow:?}"
        );
    }
}
