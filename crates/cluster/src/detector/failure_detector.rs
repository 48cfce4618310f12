use ninefold_core::time::Timestamp;

/// Judges one sender by its heartbeats.
///
/// Between two calls that change it, suspicion only grows, and the moment at which it is reached is known in
/// advance: [`deadline`](Self::deadline). So a driver sets one timer, and a replay needs no clock at all.
pub trait FailureDetector {
    /// A heartbeat has arrived: its number, when it was sent by the clock of its sender, if that is known, and
    /// when it arrived by the clock of the observer.
    fn heartbeat(&mut self, seq: u64, sent: Option<Timestamp>, arrived: Timestamp);

    /// The observer itself stood still: it was not scheduled, or suspended. It is told before what arrives
    /// behind the stall. Detectors that were not made for it go on as if nothing had been.
    fn stalled(&mut self, from: Timestamp, to: Timestamp) {
        let _unused = (from, to);
    }

    /// From when on the sender is suspected if nothing more arrives; in the past where it is already.
    /// Nothing as long as there is nothing to judge by.
    fn deadline(&self) -> Option<Timestamp>;

    /// How suspicious the silence is: 0 when there is none, 1 at the deadline, and above it beyond. The
    /// detectors that have a φ divide it by their threshold, the others the time by the time allowed.
    fn suspicion(&self, now: Timestamp) -> f64;

    /// Whether the present deadline keeps all that was asked of the detector. Nothing for one of which nothing
    /// is asked but where its knob is.
    fn keeps_request(&self) -> Option<bool> {
        None
    }

    /// Whether the sender is suspected.
    fn suspects(&self, now: Timestamp) -> bool {
        self.deadline().is_some_and(|deadline| now >= deadline)
    }
}
