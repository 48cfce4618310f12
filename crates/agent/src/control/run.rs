//! The control plane's loop.

use std::time::Duration;

use ninefold_supervise::Report;
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::handle::Handle;

const FAST: Duration = Duration::from_millis(20);
const SLOW: Duration = Duration::from_millis(100);

/// Steps the control plane until `end` turns true.
pub(crate) async fn run(
    handle: Handle,
    mut reports: mpsc::Receiver<Report>,
    mut end: watch::Receiver<bool>,
) {
    let mut fast = interval(FAST);
    let mut slow = interval(SLOW);
    fast.set_missed_tick_behavior(MissedTickBehavior::Delay);
    slow.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = end.wait_for(|end| *end) => break,
            // The ticks come first: a flood of reports must not keep counting and drains waiting.
            _ = slow.tick() => handle.lock().slow_tick(),
            _ = fast.tick() => handle.lock().fast_tick(),
            () = handle.cluster_changes() => handle.lock().cluster_changed(),
            Some(report) = reports.recv() => handle.lock().report(report),
        }
    }
    handle.lock().slow_tick();
}
