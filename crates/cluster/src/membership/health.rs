use std::time::Duration;

/// How far a node may trust its own judgement, 0 (well) to 7, as in Lifeguard (Dadgar, Phillips, Currey, DSN'18).
///
/// It grows when the node itself is the likely cause: none of those it asked for help has said a word, it had to
/// refute, it stood still. It shrinks with every answer in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LocalHealth(u8);

impl LocalHealth {
    pub(super) const WORST: u8 = 7;

    pub(super) const fn score(self) -> u8 {
        self.0
    }

    pub(super) fn worse(&mut self) {
        self.0 = (self.0 + 1).min(Self::WORST);
    }

    pub(super) const fn better(&mut self) {
        self.0 = self.0.saturating_sub(1);
    }

    /// A sick node waits longer before it blames others.
    pub(super) fn patience(self, usual: Duration) -> Duration {
        usual * (u32::from(self.0) + 1)
    }

    /// What an accusation of a node with this score counts, in eighths.
    pub(super) const fn weight(score: u8) -> usize {
        match score {
            0..=2 => 8,
            3 => 7,
            4 => 6,
            5 => 5,
            6 => 4,
            _ => 3,
        }
    }
}
