use std::fmt;

use ninefold_core::time::Timestamp;

/// One thing that an observer saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A heartbeat.
    Heartbeat {
        /// Its number.
        seq: u64,
        /// When it was sent, by the clock of its sender.
        sent: Option<Timestamp>,
        /// When it arrived, by the clock of the observer.
        arrived: Timestamp,
    },
    /// The observer itself stood still.
    Stall {
        /// From when on.
        from: Timestamp,
        /// Until when.
        to: Timestamp,
    },
}

impl Step {
    /// When the observer learned it.
    #[must_use]
    pub const fn seen(&self) -> Timestamp {
        match self {
            Self::Heartbeat { arrived, .. } => *arrived,
            Self::Stall { to, .. } => *to,
        }
    }
}

/// A row of a trace with numbers, in whole microseconds.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = |at: &Timestamp| at.as_nanos() / 1_000;
        match self {
            Self::Heartbeat {
                seq,
                sent: Some(sent),
                arrived,
            } => write!(f, "{seq},{},{}", micros(sent), micros(arrived)),
            Self::Heartbeat {
                seq,
                sent: None,
                arrived,
            } => write!(f, "{seq},,{}", micros(arrived)),
            Self::Stall { from, to } => write!(f, "stall,{},{}", micros(from), micros(to)),
        }
    }
}
