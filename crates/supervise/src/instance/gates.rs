//! From probe results to "ready" and "must be restarted", with the semantics of Kubernetes. Pure.

use std::time::Duration;

use ninefold_config::model::{Check, Health, Probe};
use ninefold_core::observation::{FailedProbe, ProbeKind, Seen};
use ninefold_core::time::Timestamp;

use crate::probe::{Attempt, Tally, Turn};

/// Without a startup probe, liveness waits for the first readiness, but no longer than this: what
/// the default startup probe allows. Or every slow start would be killed.
const LIVE_DELAY: Duration = Duration::from_secs(30);

/// An instance that is not ready this long after its start, or after its startup probe passed, has
/// failed to start. A startup probe has a limit of its own.
const READY_PATIENCE: Duration = Duration::from_secs(30);

/// What a result leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It may receive traffic.
    Ready,
    /// It may not.
    NotReady { reason: String },
    /// It must be restarted. `silent`: it cannot be asked to stop, for it hears nothing.
    Failed { reason: String, silent: bool },
}

#[derive(Clone, Debug)]
struct Gate {
    probe: Probe,
    tally: Tally,
}

impl Gate {
    fn new(probe: &Probe, kind: ProbeKind) -> Self {
        Self {
            probe: probe.clone(),
            tally: Tally::new(probe, kind == ProbeKind::Startup),
        }
    }
}

/// The gates of one incarnation.
#[derive(Clone, Debug)]
pub(crate) struct Gates {
    startup: Option<Gate>,
    ready: Option<Gate>,
    live: Option<Gate>,
    /// `ready` is not declared: one accepted connection is enough.
    once: bool,
    started: bool,
    live_from: Timestamp,
    /// Whether the first readiness is still to come, and was not given up.
    awaited: bool,
    /// Until when it is waited for; nothing while the startup probe has its time.
    ready_until: Option<Timestamp>,
}

impl Gates {
    /// For a process started at `now`.
    pub(crate) fn new(health: &Health, now: Timestamp) -> Self {
        let once = health.ready.is_none() && health.startup.is_none();
        let tcp = Probe::new(Check::Tcp);
        let ready = if once {
            Some(&tcp)
        } else {
            health.ready.as_ref()
        };
        let gate = |probe: Option<&Probe>, kind| probe.map(|probe| Gate::new(probe, kind));
        Self {
            startup: gate(health.startup.as_ref(), ProbeKind::Startup),
            ready: gate(ready, ProbeKind::Ready),
            live: gate(health.live.as_ref(), ProbeKind::Live),
            once,
            started: health.startup.is_none(),
            live_from: now + LIVE_DELAY,
            awaited: true,
            ready_until: health.startup.is_none().then(|| now + READY_PATIENCE),
        }
    }

    /// For a process that was ready under an earlier Ninefold: it has started, and one pass is
    /// enough to be ready again.
    pub(crate) fn resume(&mut self, now: Timestamp) {
        let confirmed = match &mut self.ready {
            Some(ready) => {
                self.started = true;
                self.live_from = now;
                self.ready_until = Some(now + READY_PATIENCE);
                Some(ready)
            }
            None => self.startup.as_mut(),
        };
        if let Some(gate) = confirmed {
            gate.tally.one_short();
        }
    }

    /// For an external endpoint: only readiness, for good.
    pub(crate) fn external(health: &Health) -> Self {
        let tcp = Probe::new(Check::Tcp);
        let probe = health.ready.as_ref().unwrap_or(&tcp);
        Self {
            startup: None,
            ready: Some(Gate::new(probe, ProbeKind::Ready)),
            live: None,
            once: false,
            started: true,
            live_from: Timestamp::ZERO,
            awaited: false,
            ready_until: None,
        }
    }

    /// The probes that are to be tried now.
    pub(crate) fn wanted(&self, now: Timestamp) -> Vec<(ProbeKind, &Probe)> {
        let startup = self.startup.as_ref().filter(|_| !self.started);
        let ready = self.ready.as_ref().filter(|_| self.started);
        let live = self
            .live
            .as_ref()
            .filter(|_| self.started && now >= self.live_from);
        [
            (ProbeKind::Startup, startup),
            (ProbeKind::Ready, ready),
            (ProbeKind::Live, live),
        ]
        .into_iter()
        .filter_map(|(kind, gate)| gate.map(|gate| (kind, &gate.probe)))
        .collect()
    }

    /// When [`Gates::wanted`] or [`Gates::is_late`] changes by time alone.
    pub(crate) fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let waits = self.live.is_some() && self.started && now < self.live_from;
        let live = waits.then_some(self.live_from);
        let ready = self.ready_until.filter(|_| self.awaited);
        live.into_iter().chain(ready).min()
    }

    /// Whether it was not ready in time, and nobody said so yet.
    pub(crate) fn is_late(&self, now: Timestamp) -> bool {
        self.awaited && self.ready_until.is_some_and(|until| now >= until)
    }

    /// Gives the first readiness up; false if that came, or was given up before.
    pub(crate) const fn await_no_longer(&mut self) -> bool {
        std::mem::replace(&mut self.awaited, false)
    }

    /// The failure of `attempt` for the detector.
    pub(crate) fn failed(
        &self,
        kind: ProbeKind,
        attempt: &Attempt,
        stopped: bool,
    ) -> Option<FailedProbe> {
        let gate = match kind {
            ProbeKind::Startup => &self.startup,
            ProbeKind::Ready => &self.ready,
            ProbeKind::Live => &self.live,
        };
        Some(FailedProbe {
            kind,
            outcome: attempt.outcome.clone(),
            in_a_row: gate.as_ref()?.tally.failures(),
            stopped,
        })
    }

    /// Counts a result. The second value is what the detector should hear, if anything.
    pub(crate) fn count(
        &mut self,
        kind: ProbeKind,
        attempt: &Attempt,
        alive: Option<bool>,
        stopped: bool,
        now: Timestamp,
    ) -> (Option<Change>, Option<Seen>) {
        let gate = match kind {
            ProbeKind::Startup => &mut self.startup,
            ProbeKind::Ready => &mut self.ready,
            ProbeKind::Live => &mut self.live,
        };
        let Some(gate) = gate else {
            return (None, None);
        };
        let passed = attempt.outcome.passed();
        let failed_before = gate.tally.failures() > 0;
        let turn = gate.tally.count(passed, now);
        let report = gate.tally.report(passed, failed_before, now);
        let seen = report.then(|| Seen::Probe {
            kind,
            outcome: attempt.outcome.clone(),
            failures_in_a_row: gate.tally.failures(),
            alive,
            stopped,
        });
        let failures = gate.tally.failures();
        let change = turn.and_then(|turn| self.turned(kind, turn, attempt, failures, stopped, now));
        (change, seen)
    }

    fn turned(
        &mut self,
        kind: ProbeKind,
        turn: Turn,
        attempt: &Attempt,
        failures: u32,
        stopped: bool,
        now: Timestamp,
    ) -> Option<Change> {
        let reason = || {
            let what = describe(attempt);
            format!("{} probe: {what}, {failures} in a row", kind.name())
        };
        match (kind, turn) {
            (ProbeKind::Startup, Turn::Passed) => {
                self.started = true;
                self.live_from = now;
                self.ready_until = Some(now + READY_PATIENCE);
                self.awaited &= self.ready.is_some();
                self.ready.is_none().then_some(Change::Ready)
            }
            (ProbeKind::Ready, Turn::Passed) => {
                self.live_from = self.live_from.min(now);
                self.awaited = false;
                if self.once {
                    self.ready = None;
                }
                Some(Change::Ready)
            }
            (ProbeKind::Ready, Turn::Failed) => Some(Change::NotReady { reason: reason() }),
            (ProbeKind::Startup | ProbeKind::Live, Turn::Failed) => Some(Change::Failed {
                reason: reason(),
                silent: attempt.silent || stopped,
            }),
            (ProbeKind::Live, Turn::Passed) => None,
        }
    }
}

/// The outcome of a try in words.
pub(crate) fn describe(attempt: &Attempt) -> String {
    use ninefold_core::observation::ProbeOutcome;
    match &attempt.outcome {
        ProbeOutcome::Passed => "passed".to_owned(),
        ProbeOutcome::TimedOut => "no answer in time".to_owned(),
        ProbeOutcome::Refused(what) | ProbeOutcome::Unreachable(what) => what.clone(),
    }
}

#[cfg(test)]
mod tests {
    use ninefold_core::observation::ProbeOutcome;

    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn probe() -> Option<Probe> {
        Some(Probe::new(Check::Http {
            path: "/".into(),
            http2: false,
        }))
    }

    fn kinds(gates: &Gates, now: Timestamp) -> Vec<ProbeKind> {
        gates
            .wanted(now)
            .into_iter()
            .map(|(kind, _)| kind)
            .collect()
    }

    fn pass(gates: &mut Gates, kind: ProbeKind, now: Timestamp) -> Option<Change> {
        gates
            .count(kind, &Attempt::passed(), Some(true), false, now)
            .0
    }

    fn refuse(gates: &mut Gates, kind: ProbeKind, now: Timestamp) -> Option<Change> {
        let attempt = Attempt::heard(ProbeOutcome::Refused("status 500".into()));
        gates.count(kind, &attempt, Some(true), false, now).0
    }

    #[test]
    fn startup_gates_the_others() {
        let health = Health {
            startup: probe(),
            ready: probe(),
            live: probe(),
        };
        let mut gates = Gates::new(&health, at(0));
        assert_eq!(kinds(&gates, at(99)), [ProbeKind::Startup]);
        assert_eq!(pass(&mut gates, ProbeKind::Startup, at(100)), None);
        assert_eq!(kinds(&gates, at(100)), [ProbeKind::Ready, ProbeKind::Live]);
        assert_eq!(
            pass(&mut gates, ProbeKind::Ready, at(101)),
            Some(Change::Ready)
        );
    }

    #[test]
    fn without_probes_one_connection_is_enough() {
        let mut gates = Gates::new(&Health::default(), at(0));
        let wanted = gates.wanted(at(0));
        assert!(matches!(wanted[..], [(ProbeKind::Ready, probe)] if probe.check == Check::Tcp));
        assert_eq!(
            pass(&mut gates, ProbeKind::Ready, at(1)),
            Some(Change::Ready)
        );
        assert_eq!(kinds(&gates, at(2)), []);
    }

    #[test]
    fn startup_alone_makes_ready() {
        let health = Health {
            startup: probe(),
            ..Health::default()
        };
        let mut gates = Gates::new(&health, at(0));
        assert_eq!(
            pass(&mut gates, ProbeKind::Startup, at(1)),
            Some(Change::Ready)
        );
        assert_eq!(kinds(&gates, at(1)), []);
    }

    #[test]
    fn what_was_ready_before_needs_one_pass() {
        let often = probe().map(|probe| Probe {
            successes: 3,
            ..probe
        });
        let ready = Health {
            startup: probe(),
            ready: often.clone(),
            live: probe(),
        };
        let mut gates = Gates::new(&ready, at(0));
        gates.resume(at(0));
        assert_eq!(kinds(&gates, at(0)), [ProbeKind::Ready, ProbeKind::Live]);
        assert_eq!(
            pass(&mut gates, ProbeKind::Ready, at(1)),
            Some(Change::Ready)
        );

        let mut gates = Gates::new(&ready, at(0));
        gates.resume(at(0));
        refuse(&mut gates, ProbeKind::Ready, at(1));
        assert_eq!(pass(&mut gates, ProbeKind::Ready, at(2)), None);

        let startup = Health {
            startup: often,
            ..Health::default()
        };
        let mut gates = Gates::new(&startup, at(0));
        gates.resume(at(0));
        assert_eq!(kinds(&gates, at(0)), [ProbeKind::Startup]);
        assert_eq!(
            pass(&mut gates, ProbeKind::Startup, at(1)),
            Some(Change::Ready)
        );
    }

    #[test]
    fn liveness_spares_a_slow_start() {
        let health = Health {
            ready: probe(),
            live: probe(),
            ..Health::default()
        };
        let mut gates = Gates::new(&health, at(0));
        assert_eq!(kinds(&gates, at(29)), [ProbeKind::Ready]);
        assert_eq!(gates.deadline(at(29)), Some(at(30)));
        assert_eq!(kinds(&gates, at(30)), [ProbeKind::Ready, ProbeKind::Live]);
        pass(&mut gates, ProbeKind::Ready, at(3));
        assert_eq!(kinds(&gates, at(3)), [ProbeKind::Ready, ProbeKind::Live]);
    }

    #[test]
    fn readiness_is_awaited_from_the_start_or_from_the_startup_probe_on() {
        let mut health = Health {
            ready: probe(),
            ..Health::default()
        };
        let mut gates = Gates::new(&health, at(0));
        assert!(!gates.is_late(at(29)) && gates.is_late(at(30)));
        assert!(gates.await_no_longer() && !gates.await_no_longer());
        assert!(!gates.is_late(at(99)) && gates.deadline(at(99)).is_none());

        let mut gates = Gates::new(&health, at(0));
        pass(&mut gates, ProbeKind::Ready, at(3));
        assert!(!gates.is_late(at(99)) && gates.deadline(at(4)).is_none());

        health.startup = probe();
        let mut gates = Gates::new(&health, at(0));
        assert!(!gates.is_late(at(99)) && gates.deadline(at(99)).is_none());
        pass(&mut gates, ProbeKind::Startup, at(100));
        assert!(!gates.is_late(at(129)) && gates.is_late(at(130)));
        assert_eq!(gates.deadline(at(100)), Some(at(130)));
        assert!(!Gates::external(&health).is_late(at(99)));
    }

    #[test]
    fn a_bad_answer_may_be_asked_to_stop_and_silence_may_not() {
        let health = Health {
            live: probe(),
            ..Health::default()
        };
        let mut gates = Gates::new(&health, at(0));
        assert_eq!(refuse(&mut gates, ProbeKind::Live, at(1)), None);
        assert_eq!(refuse(&mut gates, ProbeKind::Live, at(2)), None);
        let reason = "live probe: status 500, 3 in a row".to_owned();
        let change = refuse(&mut gates, ProbeKind::Live, at(3));
        let silent = false;
        assert_eq!(change, Some(Change::Failed { reason, silent }));

        let mut gates = Gates::new(&health, at(0));
        let change = (1..=3)
            .filter_map(|n| {
                let attempt = Attempt::timed_out();
                gates
                    .count(ProbeKind::Live, &attempt, Some(true), true, at(n))
                    .0
            })
            .next();
        assert!(matches!(change, Some(Change::Failed { silent: true, .. })));
    }
}
