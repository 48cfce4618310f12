//! What happens to them.

use ninefold_sim::step::{Select, Step};

/// A fault, and whom it hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    Silent,
    Stalled,
    Blocked,
    Lossy,
    FlipFlop,
}

impl Scenario {
    pub(crate) const ALL: [Self; 5] = [
        Self::Silent,
        Self::Stalled,
        Self::Blocked,
        Self::Lossy,
        Self::FlipFlop,
    ];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Stalled => "stalled",
            Self::Blocked => "blocked",
            Self::Lossy => "lossy",
            Self::FlipFlop => "flip-flop",
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Silent => "A silent host",
            Self::Stalled => "A quarter stalls",
            Self::Blocked => "A quarter is blocked",
            Self::Lossy => "80 % loss on 1 %",
            Self::FlipFlop => "1 % are deaf, and are not, in turn",
        }
    }

    /// What happens, for the reader.
    pub(crate) const fn story(self) -> &'static str {
        match self {
            Self::Silent => "One node dies without a word.",
            Self::Stalled => {
                "A quarter of the nodes stalls again and again, for 1 to 30 s, with about half a second between. \
                 At the end of a stall timers come before packets."
            }
            Self::Blocked => {
                "As before, but timers go on meanwhile: what comes in and what goes out waits. This is how the \
                 authors of Lifeguard slowed nodes down."
            }
            Self::Lossy => "Of what 1 % of the nodes send, 80 % is lost.",
            Self::FlipFlop => {
                "Nothing reaches 1 % of the nodes for 20 s, then everything for 20 s, and so on."
            }
        }
    }

    /// Whom it hits.
    pub(crate) const fn subjects(self) -> Select {
        match self {
            Self::Silent => Select::Range(0, 0),
            Self::Stalled | Self::Blocked => Select::Share(0.25),
            Self::Lossy | Self::FlipFlop => Select::Share(0.01),
        }
    }

    /// The fault.
    pub(crate) fn step(self) -> Step {
        let text = match self {
            Self::Silent => "crash 0",
            Self::Stalled => "stalls 25% 1s 30s 500ms",
            Self::Blocked => "blocks 25% 1s 30s 500ms",
            Self::Lossy => "loss 0.8 1% all",
            Self::FlipFlop => "cut all 1% flap 20s 20s",
        };
        text.parse().expect("a step")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_hit_the_subjects() {
        for scenario in Scenario::ALL {
            let subjects = scenario.subjects().to_string();
            assert!(scenario.step().to_string().contains(&subjects));
        }
    }
}
