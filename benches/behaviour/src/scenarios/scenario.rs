//! The list of them.

use super::{amplification, cancellations, hung_probe, metastable, overload, recovery, trip};
use crate::report::Report;

/// A question, and what answers it from a seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    /// On the command line, and of its files.
    pub(crate) name: &'static str,
    /// Runs it.
    pub(crate) run: fn(u64) -> Report,
}

/// All of them, in the order in which they are shown.
pub(crate) const SCENARIOS: [Scenario; 7] = [
    Scenario {
        name: "trip",
        run: |_| trip::run(),
    },
    Scenario {
        name: "amplification",
        run: amplification::run,
    },
    Scenario {
        name: "cancellations",
        run: |_| cancellations::run(),
    },
    Scenario {
        name: "hung-probe",
        run: |_| hung_probe::run(),
    },
    Scenario {
        name: "overload",
        run: overload::run,
    },
    Scenario {
        name: "metastable",
        run: metastable::run,
    },
    Scenario {
        name: "recovery",
        run: recovery::run,
    },
];
