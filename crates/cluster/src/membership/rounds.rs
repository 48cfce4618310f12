use std::collections::VecDeque;
use std::time::Duration;

use ninefold_core::time::Timestamp;

use crate::evidence::Sign;

/// Questions that are looked at: as many as Rapid's, who holds an edge for faulty at 40 % of the last ten.
const WINDOW: usize = 10;
/// Those after them whose answers may still be on their way.
const LATE: usize = 1;
/// Of the ten so many late or lost ones are no noise: at one loss in a hundred each way, three of ten are one in a
/// thousand.
const NOTABLE: usize = 3;
/// What comes so long after an unanswered question was sent was not under way before.
const AFTER: Duration = Duration::from_millis(300);

/// What became of a question to a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing yet.
    Open,
    /// It answered in time.
    Direct,
    /// It answered itself, and later than the edge's deadline.
    Late,
    /// It answered others who asked for this node.
    Relayed,
    /// Nobody had an answer; whether some of those who asked for this node said so.
    Silent { nacked: bool },
}

impl Outcome {
    const fn is_direct(self) -> bool {
        matches!(self, Self::Direct | Self::Late)
    }
}

/// What an observer makes of its edge to a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Its own questions: a sign of the channel `edge`.
    pub edge: Sign,
    /// Those that others asked for it, where its own fail: a sign of the channel `relay`.
    pub relay: Option<Sign>,
}

#[derive(Clone, Copy, Debug)]
struct Round {
    seq: u64,
    asked: Timestamp,
    outcome: Outcome,
}

/// The last questions to a subject, and when anything came from it besides.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
    asked: VecDeque<Round>,
    heard: Option<Timestamp>,
}

impl Rounds {
    pub(super) fn asks(&mut self, seq: u64, asked: Timestamp) {
        if self.asked.len() >= WINDOW + LATE {
            self.asked.pop_front();
        }
        let outcome = Outcome::Open;
        self.asked.push_back(Round {
            seq,
            asked,
            outcome,
        });
    }

    /// It was never sent, or it cannot be known.
    pub(super) fn not_asked(&mut self, seq: u64) {
        self.asked.retain(|round| round.seq != seq);
    }

    pub(super) fn came(&mut self, seq: u64, outcome: Outcome) {
        let found = self.asked.iter_mut().find(|round| round.seq == seq);
        if let Some(round) = found {
            round.outcome = outcome;
        }
    }

    /// Whatever came from it directly.
    pub(super) fn heard(&mut self, at: Timestamp) {
        self.heard = Some(at);
    }

    /// How many of ten are lost, by which an edge is held faulty.
    ///
    /// The longest run of silences counts once: one that stood still for a while has lost nothing else, and silence has
    /// judges of its own.
    pub(super) fn lost(&self) -> usize {
        let judged = self.asked.iter().rev().skip(LATE);
        let (mut lost, mut run, mut longest) = (0, 0, 0_usize);
        for Round { outcome, .. } in judged {
            let is_silent = matches!(outcome, Outcome::Silent { .. });
            run = if is_silent { run + 1 } else { 0 };
            longest = longest.max(run);
            lost += usize::from(is_silent || *outcome == Outcome::Relayed);
        }
        lost - longest.saturating_sub(1)
    }

    /// What the last questions say; nothing before the first has ended.
    pub(super) fn look(&self) -> Option<Look> {
        let newest = self.ended().next_back()?.outcome;
        let in_a_row = self.ended().rev();
        let in_a_row = in_a_row
            .take_while(|round| !round.outcome.is_direct())
            .count();
        let relay = match newest {
            Outcome::Relayed => Some(Sign::Reached),
            Outcome::Silent { nacked: true } => Some(Sign::Nacked),
            _ => None,
        };
        let many = |of: fn(Outcome) -> bool| {
            self.ended().filter(|round| of(round.outcome)).count() >= NOTABLE
        };
        // One that was reached by others once is what a single loss looks like.
        let noise = in_a_row == 1 && newest == Outcome::Relayed;
        let edge = if in_a_row > 0 && !noise {
            match (self.hears_meanwhile(), self.gaps()) {
                (false, _) => Sign::Silent,
                // It sends, and does not answer: what goes there is lost, all of it as far as is known.
                (true, 0 | 1) => Sign::OneWay,
                (true, _) => Sign::Lossy,
            }
        } else if many(|outcome| !outcome.is_direct()) && self.gaps() > 1 {
            Sign::Lossy
        } else if many(|outcome| outcome == Outcome::Late) {
            Sign::Late
        } else {
            Sign::Answers
        };
        let relay = relay.filter(|_| edge != Sign::Answers);
        Some(Look { edge, relay })
    }

    /// Those of which something became.
    fn ended(&self) -> impl DoubleEndedIterator<Item = &Round> + Clone {
        let ended = |round: &&Round| round.outcome != Outcome::Open;
        self.asked.iter().filter(ended)
    }

    /// Times that answers stopped. Once is a way that was closed and is open again.
    fn gaps(&self) -> usize {
        let mut before = true;
        let mut gaps = 0;
        for round in self.ended() {
            let direct = round.outcome.is_direct();
            gaps += usize::from(before && !direct);
            before = direct;
        }
        gaps
    }

    /// Whether it sends, while it does not answer.
    fn hears_meanwhile(&self) -> bool {
        let failing = self
            .ended()
            .rev()
            .take_while(|round| !round.outcome.is_direct());
        let since = failing.last().map(|round| round.asked + AFTER);
        since
            .zip(self.heard)
            .is_some_and(|(since, heard)| heard > since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISSED: Outcome = Outcome::Silent { nacked: true };

    /// One round a second, and what is heard of it besides: at so many milliseconds.
    fn look(rounds: &[Outcome], heard: &[u64]) -> (Sign, Option<Sign>) {
        let mut all = Rounds::default();
        for at in heard {
            all.heard(Timestamp::from_millis(*at));
        }
        for (n, round) in (0..).zip(rounds) {
            all.asks(n, Timestamp::from_secs(n));
            all.came(n, *round);
        }
        let look = all.look().unwrap();
        (look.edge, look.relay)
    }

    #[test]
    fn nothing_is_said_before_the_first_round() {
        assert_eq!(Rounds::default().look(), None);
    }

    #[test]
    fn a_single_loss_is_noise_and_an_answer_ends_a_silence() {
        use Outcome::{Direct, Relayed};
        assert_eq!(look(&[Direct, Relayed], &[]), (Sign::Answers, None));
        assert_eq!(look(&[Direct, Relayed, Direct], &[]), (Sign::Answers, None));
        assert_eq!(look(&[MISSED, Direct], &[]), (Sign::Answers, None));
    }

    #[test]
    fn who_is_gone_is_silent_at_the_first_miss_though_its_last_packet_came_just_before() {
        let silent = (Sign::Silent, Some(Sign::Nacked));
        assert_eq!(look(&[Outcome::Direct, MISSED], &[1_200]), silent);
        let alone = Outcome::Silent { nacked: false };
        assert_eq!(look(&[alone], &[]), (Sign::Silent, None));
        let relayed = [Outcome::Relayed, Outcome::Relayed];
        assert_eq!(look(&relayed, &[]), (Sign::Silent, Some(Sign::Reached)));
    }

    #[test]
    fn a_way_that_is_closed_and_one_that_loses() {
        let relayed = [Outcome::Relayed; 2];
        let reached = Some(Sign::Reached);
        assert_eq!(look(&relayed, &[2_000]), (Sign::OneWay, reached));
        let lossy = [
            Outcome::Relayed,
            Outcome::Direct,
            Outcome::Relayed,
            Outcome::Relayed,
        ];
        assert_eq!(look(&lossy, &[3_500]), (Sign::Lossy, reached));
        let mut some = [Outcome::Direct; 6];
        for n in [0, 2, 4] {
            some[n] = Outcome::Relayed;
        }
        assert_eq!(look(&some, &[]), (Sign::Lossy, None));
        some[0] = Outcome::Direct;
        assert_eq!(look(&some, &[]), (Sign::Answers, None));
        let mut reopened = vec![Outcome::Relayed; 5];
        reopened.push(Outcome::Direct);
        assert_eq!(look(&reopened, &[]), (Sign::Answers, None));
    }

    #[test]
    fn late_answers_are_late_and_old_rounds_are_forgotten() {
        let mut rounds = vec![Outcome::Late; 3];
        assert_eq!(look(&rounds, &[]), (Sign::Late, None));
        rounds.extend([Outcome::Direct; WINDOW + LATE]);
        assert_eq!(look(&rounds, &[]), (Sign::Answers, None));
    }

    fn lost(outcomes: &str) -> usize {
        let mut rounds = Rounds::default();
        for (seq, outcome) in (0..).zip(outcomes.chars()) {
            rounds.asks(seq, Timestamp::ZERO);
            let outcome = match outcome {
                'd' => Outcome::Direct,
                'r' => Outcome::Relayed,
                's' => MISSED,
                _ => continue,
            };
            rounds.came(seq, outcome);
        }
        rounds.lost()
    }

    #[test]
    fn ten_are_judged_and_the_newest_is_not() {
        assert_eq!(lost(""), 0);
        assert_eq!(lost("dddrdrr"), 2);
        assert_eq!(lost("rrrrrrrrrrrrrrrrr"), 10);
        assert_eq!(lost("rddddddddddd"), 0);
        assert_eq!(lost("rdddddddddd"), 1);
        assert_eq!(lost("........."), 0);
    }

    #[test]
    fn a_pause_is_one_loss() {
        assert_eq!(lost("ddssssssdd"), 1);
        assert_eq!(lost("srsdsrd"), 5);
        assert_eq!(lost("sssssdsssss"), 5);
    }

    #[test]
    fn late_answers_and_what_was_not_asked_are_no_losses() {
        let mut rounds = Rounds::default();
        for seq in 0..5 {
            rounds.asks(seq, Timestamp::ZERO);
            rounds.came(seq, Outcome::Relayed);
        }
        assert_eq!(rounds.lost(), 4);
        rounds.came(1, Outcome::Late);
        assert_eq!(rounds.lost(), 3);
        rounds.not_asked(2);
        assert_eq!(rounds.lost(), 2);
    }
}
