use ninefold_core::time::Timestamp;

use super::{
    Bertier, Cantelli, FailureDetector, FixedTimeout, NfdE, PhiAkka, PhiCassandra, PhiChitchat,
    TwoWindow,
};

/// Any of the detectors, without a box and a table of calls.
#[derive(Clone, Debug)]
pub enum Detector {
    /// A constant timeout.
    FixedTimeout(FixedTimeout),
    /// Chen's, with expected arrivals.
    NfdE(NfdE),
    /// Chen's with Jacobson's margin.
    Bertier(Bertier),
    /// Chen's with two windows.
    TwoWindow(TwoWindow),
    /// φ as in Akka.
    PhiAkka(PhiAkka),
    /// φ as in Cassandra.
    PhiCassandra(PhiCassandra),
    /// φ as in chitchat.
    PhiChitchat(PhiChitchat),
    /// Ours.
    Ninefold(Box<Cantelli>),
}

macro_rules! each {
    ($detector:expr, $one:ident => $call:expr) => {
        match $detector {
            Detector::FixedTimeout($one) => $call,
            Detector::NfdE($one) => $call,
            Detector::Bertier($one) => $call,
            Detector::TwoWindow($one) => $call,
            Detector::PhiAkka($one) => $call,
            Detector::PhiCassandra($one) => $call,
            Detector::PhiChitchat($one) => $call,
            Detector::Ninefold($one) => $call,
        }
    };
}

impl FailureDetector for Detector {
    fn heartbeat(&mut self, seq: u64, sent: Option<Timestamp>, arrived: Timestamp) {
        each!(self, one => one.heartbeat(seq, sent, arrived));
    }

    fn stalled(&mut self, from: Timestamp, to: Timestamp) {
        each!(self, one => one.stalled(from, to));
    }

    fn deadline(&self) -> Option<Timestamp> {
        each!(self, one => one.deadline())
    }

    fn suspicion(&self, now: Timestamp) -> f64 {
        each!(self, one => one.suspicion(now))
    }

    fn keeps_request(&self) -> Option<bool> {
        each!(self, one => one.keeps_request())
    }
}
