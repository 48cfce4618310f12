use std::collections::VecDeque;
use std::time::Duration;

use ninefold_core::time::Timestamp;

use crate::evidence::Sign;

/// Rounds that are looked at: as many as Rapid's, who holds an edge for faulty at 40 % of the last ten.
const ROUNDS: usize = 10;
/// Of these so many late or lost ones are no noise: at one loss in a hundred each way, three of ten are one in a
/// thousand.
const NOTABLE: usize = 3;
/// What comes so long after an unanswered question was sent was not under way before.
const AFTER: Duration = Duration::from_millis(300);

/// How a question to a subject ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// It answered in time.
    Direct,
    /// It answered itself, and later than the edge's deadline.
    Late,
    /// It answered others who asked for this node.
    Relayed,
    /// No answer; whether some of those who asked for this node said that they got none either.
    Missed { nacked: bool },
}

impl Round {
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

/// The last questions to a subject, and what came from it besides.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
    ended: VecDeque<Round>,
    /// When the first of those that got no direct answer was asked, the newest ones in a row.
    failing_since: Option<Timestamp>,
    /// When anything came from it directly, whatever it was.
    heard: Option<Timestamp>,
}

impl Rounds {
    /// A question that was asked at `asked` has ended.
    pub(super) fn ended(&mut self, round: Round, asked: Timestamp) {
        if round.is_direct() {
            self.failing_since = None;
        } else {
            self.failing_since.get_or_insert(asked);
        }
        self.ended.push_back(round);
        if self.ended.len() > ROUNDS {
            self.ended.pop_front();
        }
    }

    pub(super) fn heard(&mut self, at: Timestamp) {
        self.heard = Some(at);
    }

    /// What the last rounds say; nothing before the first has ended.
    pub(super) fn look(&self) -> Option<Look> {
        let newest = *self.ended.back()?;
        let in_a_row = self.ended.iter().rev();
        let in_a_row = in_a_row.take_while(|round| !round.is_direct()).count();
        let relay = match newest {
            Round::Relayed => Some(Sign::Reached),
            Round::Missed { nacked: true } => Some(Sign::Nacked),
            Round::Direct | Round::Late | Round::Missed { nacked: false } => None,
        };
        let many = |of: fn(&&Round) -> bool| self.ended.iter().filter(of).count() >= NOTABLE;
        // One that was reached by others once is what a single loss looks like.
        let noise = in_a_row == 1 && newest == Round::Relayed;
        let edge = if in_a_row > 0 && !noise {
            match (self.hears_meanwhile(), self.gaps()) {
                (false, _) => Sign::Silent,
                // It sends, and does not answer: what goes there is lost, all of it as far as is known.
                (true, 0 | 1) => Sign::OneWay,
                (true, _) => Sign::Lossy,
            }
        } else if many(|round| !round.is_direct()) && self.gaps() > 1 {
            Sign::Lossy
        } else if many(|round| **round == Round::Late) {
            Sign::Late
        } else {
            Sign::Answers
        };
        let relay = relay.filter(|_| edge != Sign::Answers);
        Some(Look { edge, relay })
    }

    /// Times that answers stopped. Once is a way that was closed and is open again.
    fn gaps(&self) -> usize {
        let before = self.ended.iter().map(|round| round.is_direct());
        let after = before.clone().skip(1);
        let began = before
            .zip(after)
            .filter(|(before, after)| *before && !after);
        began.count() + usize::from(self.ended.front().is_some_and(|first| !first.is_direct()))
    }

    /// Whether it sends, while it does not answer.
    fn hears_meanwhile(&self) -> bool {
        let since = self.failing_since.map(|since| since + AFTER);
        since
            .zip(self.heard)
            .is_some_and(|(since, heard)| heard > since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISSED: Round = Round::Missed { nacked: true };

    /// One round a second, and what is heard of it besides: at so many milliseconds.
    fn look(rounds: &[Round], heard: &[u64]) -> (Sign, Option<Sign>) {
        let mut all = Rounds::default();
        for at in heard {
            all.heard(Timestamp::from_millis(*at));
        }
        for (n, round) in (0..).zip(rounds) {
            all.ended(*round, Timestamp::from_secs(n));
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
        use Round::{Direct, Relayed};
        assert_eq!(look(&[Direct, Relayed], &[]), (Sign::Answers, None));
        assert_eq!(look(&[Direct, Relayed, Direct], &[]), (Sign::Answers, None));
        assert_eq!(look(&[MISSED, Direct], &[]), (Sign::Answers, None));
    }

    #[test]
    fn who_is_gone_is_silent_at_the_first_miss_though_its_last_packet_came_just_before() {
        let silent = (Sign::Silent, Some(Sign::Nacked));
        assert_eq!(look(&[Round::Direct, MISSED], &[1_200]), silent);
        let alone = Round::Missed { nacked: false };
        assert_eq!(look(&[alone], &[]), (Sign::Silent, None));
        let relayed = [Round::Relayed, Round::Relayed];
        assert_eq!(look(&relayed, &[]), (Sign::Silent, Some(Sign::Reached)));
    }

    #[test]
    fn a_way_that_is_closed_and_one_that_loses() {
        let relayed = [Round::Relayed; 2];
        let reached = Some(Sign::Reached);
        assert_eq!(look(&relayed, &[2_000]), (Sign::OneWay, reached));
        let lossy = [
            Round::Relayed,
            Round::Direct,
            Round::Relayed,
            Round::Relayed,
        ];
        assert_eq!(look(&lossy, &[3_500]), (Sign::Lossy, reached));
        let mut some = [Round::Direct; 6];
        for n in [0, 2, 4] {
            some[n] = Round::Relayed;
        }
        assert_eq!(look(&some, &[]), (Sign::Lossy, None));
        some[0] = Round::Direct;
        assert_eq!(look(&some, &[]), (Sign::Answers, None));
        let mut reopened = vec![Round::Relayed; 5];
        reopened.push(Round::Direct);
        assert_eq!(look(&reopened, &[]), (Sign::Answers, None));
    }

    #[test]
    fn late_answers_are_late_and_old_rounds_are_forgotten() {
        let mut rounds = vec![Round::Late; 3];
        assert_eq!(look(&rounds, &[]), (Sign::Late, None));
        rounds.extend([Round::Direct; ROUNDS]);
        assert_eq!(look(&rounds, &[]), (Sign::Answers, None));
    }
}
