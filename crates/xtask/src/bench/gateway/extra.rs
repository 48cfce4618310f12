//! What is measured besides the kinds of request.

/// A measurement of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Extra {
    /// The latency that is added at a low rate.
    Steady,
    /// The memory of a connection that waits.
    Idle,
}

impl Extra {
    pub(super) const ALL: [Self; 2] = [Self::Steady, Self::Idle];

    /// The name on the command line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Idle => "idle",
        }
    }
}

/// One measurement of them, of one proxy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Measured {
    Steady {
        /// Beyond that of the backend alone, in microseconds.
        added_p50_us: f64,
        /// Beyond that of the backend alone, in microseconds.
        added_p99_us: f64,
        /// CPU of the proxy per request, in microseconds.
        cpu_us: f64,
    },
    Idle {
        kib_per_connection: f64,
    },
}
