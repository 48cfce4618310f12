//! What probes and the keeper say, and what follows.

use ninefold_core::event::EventKind;
use ninefold_core::observation::{ProbeKind, Seen};
use ninefold_core::time::{Timestamp, nanos, short};

use super::{KILL_PATIENCE, Machine};
use crate::instance::action::Action;
use crate::instance::degraded;
use crate::instance::gates::{Change, describe};
use crate::instance::phase::{Phase, Purpose, Step};
use crate::probe::Attempt;

impl Machine {
    pub(super) fn probed(
        &mut self,
        kind: ProbeKind,
        attempt: &Attempt,
        stopped: bool,
        now: Timestamp,
    ) {
        let Phase::Up(up) = &mut self.phase else {
            return;
        };
        let (change, seen) = up.gates.count(kind, attempt, Some(true), stopped, now);
        if kind != ProbeKind::Live {
            up.resuming = false;
        }
        if !attempt.outcome.passed() && !up.ready {
            up.reason = Some(format!("{} probe: {}", kind.name(), describe(attempt)));
            up.failed = up.gates.failed(kind, attempt, stopped);
        }
        let news = degraded::heard(&mut up.degraded, &self.id, kind, attempt);
        self.actions.extend(seen.map(Action::Observe));
        self.actions.extend(news.map(Action::Record));
        match change {
            Some(Change::Ready) => self.ready(now),
            Some(Change::NotReady { reason }) => self.not_ready(reason, now),
            Some(Change::Failed { reason, silent }) => self.heal(&reason, silent, now),
            None => {}
        }
    }

    fn ready(&mut self, now: Timestamp) {
        if let Phase::Up(up) = &mut self.phase
            && !up.ready
        {
            up.ready = true;
            up.was_ready = true;
            up.reason = None;
            up.failed = None;
            let after_ns = nanos(now.since(up.unready_since));
            let instance = self.id.clone();
            self.record(EventKind::InstanceReady { instance, after_ns });
            self.actions.push(Action::Observe(Seen::Ready));
        }
    }

    fn not_ready(&mut self, reason: String, now: Timestamp) {
        if let Phase::Up(up) = &mut self.phase
            && up.ready
        {
            up.ready = false;
            up.unready_since = now;
            up.reason = Some(reason.clone());
            let instance = self.id.clone();
            self.record(EventKind::InstanceNotReady { instance, reason });
        }
    }

    /// It was not ready in time, or has to be restarted before it could be: evidence, once for each
    /// incarnation.
    pub(super) fn late(&mut self, now: Timestamp) {
        let Phase::Up(up) = &mut self.phase else {
            return;
        };
        if up.was_ready || !up.gates.await_no_longer() {
            return;
        }
        let waited = now.since(up.since);
        let probe = up.failed.clone();
        let why = up.reason.clone();
        let instance = self.id.clone();
        let reason = format!(
            "never since its start {} ago{}",
            short(nanos(waited)),
            why.map(|why| format!("; {why}")).unwrap_or_default()
        );
        self.record(EventKind::InstanceNotReady { instance, reason });
        self.actions
            .push(Action::Observe(Seen::Unready { waited, probe }));
    }

    pub(super) fn keeper_lost(&mut self, keeper: u32, now: Timestamp) {
        if let Phase::Up(up) = &self.phase {
            let pid = up.pid;
            let text = format!(
                "the keeper of {} is gone (process {keeper}); it is replaced",
                self.id
            );
            self.record(EventKind::Notice { text });
            self.actions
                .push(Action::Observe(Seen::KeeperLost { keeper, pid }));
            // Not as planned: keepers that die again and again must not be restarted in a hurry.
            self.depart(Purpose::Heal, "its keeper is gone", now);
        }
    }

    /// A startup or liveness probe failed. What hears nothing is killed at once: it can neither
    /// drain nor stop by itself, and holds what its successor needs.
    fn heal(&mut self, reason: &str, silent: bool, now: Timestamp) {
        self.late(now);
        if silent {
            self.actions.push(Action::Describe(reason.to_owned()));
            self.announce("kill", reason);
            self.actions.push(Action::Kill);
            let until = now + KILL_PATIENCE;
            self.leave(Purpose::Heal, Step::Killed { until }, reason);
        } else {
            self.announce("stop", reason);
            self.actions.push(Action::Signal(self.rules.stop.signal));
            let until = now + self.rules.stop.grace.0;
            self.leave(Purpose::Heal, Step::Asked { until }, reason);
        }
    }
}
