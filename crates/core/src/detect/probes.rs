use crate::observation::{ProbeKind, ProbeOutcome};
use crate::time::Timestamp;

/// What the `ready` and `live` probes of one incarnation said last. `startup` says nothing about
/// failures: an instance that starts has not failed yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Probes {
    ready: Row,
    live: Row,
    last_pass: Option<Timestamp>,
}

/// Failures of one probe since it passed last.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    pub(super) timed_out: u32,
    pub(super) unreachable: u32,
    pub(super) refused: u32,
    pub(super) stopped: bool,
    /// What the newest failure said.
    pub(super) said: String,
}

impl Row {
    pub(super) const fn failures(&self) -> u32 {
        self.timed_out
            .saturating_add(self.unreachable)
            .saturating_add(self.refused)
    }
}

impl Probes {
    /// Learns one result. Whether it says something about health: startup probes do not.
    pub(super) fn learn(
        &mut self,
        at: Timestamp,
        kind: ProbeKind,
        outcome: &ProbeOutcome,
        stopped: bool,
    ) -> bool {
        let row = match kind {
            ProbeKind::Startup => return false,
            ProbeKind::Ready => &mut self.ready,
            ProbeKind::Live => &mut self.live,
        };
        match outcome {
            ProbeOutcome::Passed => {
                *row = Row::default();
                self.last_pass = Some(at);
                return true;
            }
            ProbeOutcome::Refused(said) => {
                row.refused = row.refused.saturating_add(1);
                row.said.clone_from(said);
            }
            ProbeOutcome::TimedOut => row.timed_out = row.timed_out.saturating_add(1),
            ProbeOutcome::Unreachable(said) => {
                row.unreachable = row.unreachable.saturating_add(1);
                row.said.clone_from(said);
            }
        }
        row.first.get_or_insert(at);
        row.last = Some(at);
        row.stopped = stopped;
        true
    }

    /// The two rows with the names of their probes, the one with more failures first.
    pub(super) fn rows(&self) -> [(&'static str, &Row); 2] {
        let (ready, live) = (("ready", &self.ready), ("live", &self.live));
        if self.live.failures() > self.ready.failures() {
            [live, ready]
        } else {
            [ready, live]
        }
    }

    pub(super) const fn live(&self) -> &Row {
        &self.live
    }

    pub(super) const fn last_pass(&self) -> Option<Timestamp> {
        self.last_pass
    }

    /// Whether a probe passed and none fails since.
    pub(super) const fn pass(&self) -> bool {
        self.last_pass.is_some() && self.ready.first.is_none() && self.live.first.is_none()
    }
}
