use std::collections::VecDeque;

/// Questions that are judged, and those after them whose answers may still be on their way.
const WINDOW: usize = 10;
const LATE: usize = 1;

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing yet.
    Open,
    /// A direct answer came, in time or late.
    Direct,
    /// None did, but others had one.
    Relayed,
    /// Nobody had one.
    Silent,
}

/// The last questions of an edge, which is held faulty where 40 % of them are lost (Rapid, section 4.1).
///
/// The longest run of silences counts once: one that stood still for a while has lost nothing else, and silence has
/// judges of its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Losses(VecDeque<(u64, Outcome)>);

impl Losses {
    pub(super) fn asks(&mut self, seq: u64) {
        if self.0.len() >= WINDOW + LATE {
            self.0.pop_front();
        }
        self.0.push_back((seq, Outcome::Open));
    }

    /// It was never sent, or it cannot be known.
    pub(super) fn not_asked(&mut self, seq: u64) {
        self.0.retain(|(known, _)| *known != seq);
    }

    pub(super) fn came(&mut self, seq: u64, outcome: Outcome) {
        let found = self.0.iter_mut().find(|(known, _)| *known == seq);
        if let Some((_, known)) = found {
            *known = outcome;
        }
    }

    /// How many are lost.
    pub(super) fn lost(&self) -> usize {
        let judged = self.0.iter().rev().skip(LATE).map(|(_, outcome)| *outcome);
        let (mut lost, mut run, mut longest) = (0, 0, 0_usize);
        for outcome in judged {
            let is_silent = outcome == Outcome::Silent;
            run = if is_silent { run + 1 } else { 0 };
            longest = longest.max(run);
            lost += usize::from(is_silent || outcome == Outcome::Relayed);
        }
        lost - longest.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(outcomes: &str) -> usize {
        let mut losses = Losses::default();
        for (seq, outcome) in (0..).zip(outcomes.chars()) {
            losses.asks(seq);
            let outcome = match outcome {
                'd' => Outcome::Direct,
                'r' => Outcome::Relayed,
                's' => Outcome::Silent,
                _ => continue,
            };
            losses.came(seq, outcome);
        }
        losses.lost()
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
        let mut losses = Losses::default();
        for seq in 0..5 {
            losses.asks(seq);
            losses.came(seq, Outcome::Relayed);
        }
        assert_eq!(losses.lost(), 4);
        losses.came(1, Outcome::Direct);
        assert_eq!(losses.lost(), 3);
        losses.not_asked(2);
        assert_eq!(losses.lost(), 2);
    }
}
