//! What is sent, and when.

use std::net::SocketAddr;
use std::time::Duration;

/// A rate for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Phase {
    /// How long.
    pub(crate) length: Duration,
    /// Requests a second.
    pub(crate) rate_hz: f64,
}

/// A whole load.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// Where it goes.
    pub(crate) address: SocketAddr,
    /// Whether requests are POSTs with a body, which nobody may repeat who sent them.
    pub(crate) post: bool,
    /// When a client gives up.
    pub(crate) patience: Duration,
    /// Whether requests say how critical they are: one in ten is critical, the others sheddable.
    pub(crate) ranked: bool,
    /// The rates, one after the other.
    pub(crate) phases: Vec<Phase>,
}

impl Plan {
    /// When each request is due, from the start of the load.
    pub(crate) fn due(&self) -> impl Iterator<Item = Duration> {
        let mut begins = Duration::ZERO;
        self.phases.iter().flat_map(move |phase| {
            let (from, rate_hz) = (begins, phase.rate_hz);
            begins += phase.length;
            let count = (phase.length.as_secs_f64() * rate_hz).round();
            (0..)
                .map(f64::from)
                .take_while(move |number| *number < count)
                .map(move |number: f64| from + Duration::from_secs_f64(number / rate_hz))
        })
    }

    /// Whether request `number` is a critical one.
    pub(crate) const fn critical(&self, number: usize) -> bool {
        self.ranked && number.is_multiple_of(10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_follow_each_other() {
        let phase = |millis, rate_hz| Phase {
            length: Duration::from_millis(millis),
            rate_hz,
        };
        let plan = Plan {
            address: SocketAddr::from(([127, 0, 0, 1], 1)),
            post: false,
            patience: Duration::ZERO,
            ranked: true,
            phases: vec![phase(30, 100.0), phase(10, 400.0)],
        };
        let due: Vec<f64> = plan.due().map(|due| due.as_secs_f64() * 1e3).collect();
        assert_eq!(due, [0.0, 10.0, 20.0, 30.0, 32.5, 35.0, 37.5]);
        assert!(plan.critical(0) && plan.critical(20) && !plan.critical(5));
    }
}
