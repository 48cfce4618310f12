//! The loop of one probe.

use std::time::Duration;

use ninefold_config::model::Probe;
use ninefold_core::observation::ProbeKind;
use ninefold_core::rng::Rng;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::check::{Attempt, Target, attempt};
use super::pace::Pace;

/// The result of one try.
#[derive(Clone, Debug)]
pub(crate) struct Probed {
    pub(crate) kind: ProbeKind,
    pub(crate) attempt: Attempt,
}

/// Tries `probe` again and again, the first time after `delay`, until nobody listens any more.
pub(crate) async fn probe_forever<T: Send>(
    kind: ProbeKind,
    probe: Probe,
    target: Target,
    delay: Duration,
    mut rng: Rng,
    results: mpsc::Sender<T>,
    wrap: impl Fn(Probed) -> T + Send,
) {
    let mut pace = Pace::new(probe.every.0, probe.failures, kind != ProbeKind::Live);
    let mut due = Instant::now() + delay;
    loop {
        sleep_until(due).await;
        let begun = Instant::now();
        let attempt = attempt(&probe, &target).await;
        let passed = attempt.outcome.passed();
        if results.send(wrap(Probed { kind, attempt })).await.is_err() {
            return;
        }
        // Measured from the start of the try; a try that took longer is followed at once.
        due = begun + pace.after(passed, &mut rng);
    }
}
