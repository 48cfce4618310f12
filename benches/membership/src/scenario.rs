//! What happens to them.

use ninefold_sim::step::{Select, Step};

/// A fault, and whom it hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    Quiet,
    Silent,
    Burst,
    Hiccups,
    Stalled,
    Blocked,
    Lossy,
    Deaf,
    FlipFlop,
    Partition,
    Restart,
}

impl Scenario {
    pub(crate) const ALL: [Self; 11] = [
        Self::Quiet,
        Self::Silent,
        Self::Burst,
        Self::Hiccups,
        Self::Stalled,
        Self::Blocked,
        Self::Lossy,
        Self::Deaf,
        Self::FlipFlop,
        Self::Partition,
        Self::Restart,
    ];

    /// How many nodes one machine has time and memory for: where many members change, each node has
    /// its own copy of all.
    pub(crate) const fn nodes_max(self) -> u32 {
        match self {
            Self::Quiet | Self::Silent | Self::Burst => 10_000,
            Self::Hiccups
            | Self::Lossy
            | Self::Deaf
            | Self::FlipFlop
            | Self::Partition
            | Self::Restart => 1_000,
            Self::Stalled | Self::Blocked => 100,
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Silent => "silent",
            Self::Burst => "burst",
            Self::Hiccups => "hiccups",
            Self::Stalled => "stalled",
            Self::Blocked => "blocked",
            Self::Lossy => "lossy",
            Self::Deaf => "deaf",
            Self::FlipFlop => "flip-flop",
            Self::Partition => "partition",
            Self::Restart => "restart",
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Quiet => "Nothing happens",
            Self::Silent => "A silent host",
            Self::Burst => "Five silent hosts at once",
            Self::Hiccups => "A quarter stalls for less than a second",
            Self::Stalled => "A quarter stalls for long",
            Self::Blocked => "A quarter is blocked",
            Self::Lossy => "80 % loss on 1 %",
            Self::Deaf => "1 % are deaf",
            Self::FlipFlop => "1 % are deaf, and are not, in turn",
            Self::Partition => "40 % are cut off",
            Self::Restart => "1 % crash and start anew",
        }
    }

    /// What happens, for the reader.
    pub(crate) const fn story(self) -> &'static str {
        match self {
            Self::Quiet => "What members cost each other.",
            Self::Silent => "One node dies without a word.",
            Self::Burst => "Five nodes die at the same moment. One view change is right.",
            Self::Hiccups => {
                "A quarter of the nodes stalls again and again, for 0.1 to 0.9 s, with about half a second between."
            }
            Self::Stalled => {
                "A quarter of the nodes stalls again and again, for 1 to 30 s, with about half a second between. \
                 At the end of a stall timers come before packets."
            }
            Self::Blocked => {
                "As before, but timers go on meanwhile: what comes in and what goes out waits. This is how the \
                 authors of Lifeguard slowed nodes down."
            }
            Self::Lossy => "Of what 1 % of the nodes send, 80 % is lost. One view change is right.",
            Self::Deaf => {
                "Nothing reaches 1 % of the nodes, while all that they send arrives. One view change is right."
            }
            Self::FlipFlop => {
                "Nothing reaches 1 % of the nodes for 20 s, then everything for 20 s, and so on."
            }
            Self::Partition => {
                "Nothing passes between 40 % of the nodes and the others. The 60 % count as healthy here."
            }
            Self::Restart => {
                "1 % of the nodes crash, and start anew with their disks 10 s later, knowing three seeds."
            }
        }
    }

    /// Whom it hits.
    pub(crate) const fn subjects(self) -> Select {
        match self {
            Self::Quiet => Select::AnyOf(Vec::new()),
            Self::Silent => Select::Range(0, 0),
            Self::Burst => Select::Range(0, 4),
            Self::Hiccups | Self::Stalled | Self::Blocked => Select::Share(0.25),
            Self::Lossy | Self::Deaf | Self::FlipFlop | Self::Restart => Select::Share(0.01),
            Self::Partition => Select::Share(0.4),
        }
    }

    /// The faults, with how long after the onset.
    pub(crate) fn steps(self) -> Vec<(u64, Step)> {
        let steps: &[(u64, &str)] = match self {
            Self::Quiet => &[],
            Self::Silent => &[(0, "crash 0")],
            Self::Burst => &[(0, "crash 0-4")],
            Self::Hiccups => &[(0, "stalls 25% 100ms 900ms 500ms")],
            Self::Stalled => &[(0, "stalls 25% 1s 30s 500ms")],
            Self::Blocked => &[(0, "blocks 25% 1s 30s 500ms")],
            Self::Lossy => &[(0, "loss 0.8 1% all")],
            Self::Deaf => &[(0, "cut all 1%")],
            Self::FlipFlop => &[(0, "cut all 1% flap 20s 20s")],
            Self::Partition => &[(0, "partition 40% not(40%)")],
            Self::Restart => &[(0, "crash 1%"), (10, "restart 1%")],
        };
        let step = |(after, text): &(u64, &str)| {
            let step = text.parse().expect("a step");
            (after * 1_000_000_000, step)
        };
        steps.iter().map(step).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_hit_the_subjects() {
        for scenario in Scenario::ALL {
            let subjects = scenario.subjects().to_string();
            let hits = |(_, step): &(u64, Step)| step.to_string().contains(&subjects);
            assert!(scenario.steps().iter().all(hits), "{scenario:?}");
        }
    }
}
