//! What may be done to a cluster, and its text.

use std::fmt;

use super::Select;
use crate::Delay;
use crate::link::{Effect, Flapping};

/// One thing done to the cluster. Its text is one line, `restart 3-5 blank`; durations are `5ms`, `1.5s`.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// `crash SET`: processes end without a word.
    Crash(Select),
    /// `restart SET [blank]`: processes start, with what was on their disks or without.
    Restart {
        /// Which.
        nodes: Select,
        /// Whether their disks are empty.
        blank: bool,
    },
    /// `stall SET DURATION`: processes do nothing meanwhile; packets wait, timers are late.
    Stall(Select, u64),
    /// `stalls SET LEAST MOST RUN`: stalls from `LEAST` to `MOST` long, and about `RUN` apart, until `heal`.
    /// With `blocks` for `stalls`, what comes in and what goes out waits, but timers go on.
    Stalls {
        /// Which.
        nodes: Select,
        /// The shortest.
        least: u64,
        /// The longest.
        most: u64,
        /// Mean time between them.
        run: u64,
        /// Whether timers go on meanwhile.
        timers: bool,
    },
    /// `loss SHARE FROM TO`, `cut FROM TO`, `burst GOOD BAD FROM TO`, `delay DELAY FROM TO`,
    /// `duplicate SHARE FROM TO`, `corrupt SHARE FROM TO`, `reorder SHARE MOST FROM TO`, each one way, and
    /// each with `flap ON OFF` behind it where it is to come and go.
    Link {
        /// What happens to packets.
        effect: Effect,
        /// Senders.
        from: Select,
        /// Receivers.
        to: Select,
        /// Whether it comes and goes.
        flapping: Option<Flapping>,
    },
    /// `partition A B`: nothing passes between two sets, either way.
    Partition(Select, Select),
    /// `jump SET +DURATION` or `-DURATION`: clocks are set.
    Jump(Select, i64),
    /// `drift SET PPM`: clocks run faster by so many millionths, or slower.
    Drift(Select, i64),
    /// `heal`: stalls and faults of links end. Who has crashed stays so.
    Heal,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loss(share) => write!(f, "loss {share}"),
            Self::Burst { good, bad } => write!(f, "burst {good}ns {bad}ns"),
            Self::Delay(delay) => write!(f, "delay {delay}"),
            Self::Duplicate(share) => write!(f, "duplicate {share}"),
            Self::Corrupt(share) => write!(f, "corrupt {share}"),
            Self::Reorder(share, most) => write!(f, "reorder {share} {most}ns"),
        }
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(delay) => write!(f, "{delay}ns"),
            Self::Uniform(least, most) => write!(f, "{least}ns..{most}ns"),
            Self::LogNormal { shift, mean, sigma } => {
                write!(f, "{shift}ns+{mean}ns~{sigma}ns")
            }
        }
    }
}

/// The text that it is parsed from, with durations in ns.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crash(nodes) => write!(f, "crash {nodes}"),
            Self::Restart { nodes, blank } => {
                write!(f, "restart {nodes}{}", if *blank { " blank" } else { "" })
            }
            Self::Stall(nodes, length) => write!(f, "stall {nodes} {length}ns"),
            Self::Stalls {
                nodes,
                least,
                most,
                run,
                timers,
            } => {
                let name = if *timers { "blocks" } else { "stalls" };
                write!(f, "{name} {nodes} {least}ns {most}ns {run}ns")
            }
            Self::Link {
                effect,
                from,
                to,
                flapping,
            } => {
                write!(f, "{effect} {from} {to}")?;
                match flapping {
                    Some(Flapping { on, off }) => write!(f, " flap {on}ns {off}ns"),
                    None => Ok(()),
                }
            }
            Self::Partition(a, b) => write!(f, "partition {a} {b}"),
            Self::Jump(nodes, by) => write!(f, "jump {nodes} {by:+}ns"),
            Self::Drift(nodes, ppm) => write!(f, "drift {nodes} {ppm}"),
            Self::Heal => write!(f, "heal"),
        }
    }
}
