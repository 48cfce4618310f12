//! The life of one instance as decisions: `(state, event, now, rng)` to actions. Pure.

mod health;

use std::mem;
use std::time::Duration;

use ninefold_config::model::{Health, Stop};
use ninefold_core::event::EventKind;
use ninefold_core::id::InstanceId;
use ninefold_core::observation::Seen;
use ninefold_core::restart::{Decision, RestartHistory, RestartPolicy};
use ninefold_core::rng::Rng;
use ninefold_core::status::InstanceState;
use ninefold_core::taxonomy::ExitCause;
use ninefold_core::time::{Timestamp, nanos};

use super::action::Action;
use super::degraded;
use super::event::Event;
use super::gates::Gates;
use super::phase::{Phase, Purpose, Step, Up};

/// A process that was killed is gone by then, or hangs in the kernel; then it is killed again.
const KILL_PATIENCE: Duration = Duration::from_secs(5);
/// What the gateway may take for a drain beyond the declared time, to say that it is done.
const DRAIN_MARGIN: Duration = Duration::from_secs(1);

/// What an instance follows.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) health: Health,
    pub(crate) stop: Stop,
    pub(crate) restart: RestartPolicy,
}

/// One instance. Every time is monotonic but those in [`Event::Exited`] and [`Seen`].
#[derive(Debug)]
pub(crate) struct Machine {
    id: InstanceId,
    rules: Rules,
    phase: Phase,
    history: RestartHistory,
    /// Whether it was asked to stop for good.
    stopping: bool,
    starts: u32,
    adopted: bool,
    why: String,
    excused_until: Timestamp,
    actions: Vec<Action>,
}

impl Machine {
    /// An instance that was not started yet.
    pub(crate) fn new(id: InstanceId, rules: Rules) -> Self {
        Self {
            id,
            history: RestartHistory::new(rules.restart),
            rules,
            phase: Phase::Idle { blocked: None },
            stopping: false,
            starts: 0,
            adopted: false,
            why: "declared".to_owned(),
            excused_until: Timestamp::ZERO,
            actions: Vec::new(),
        }
    }

    /// Takes in an event and says what to do about it, in order.
    pub(crate) fn handle(&mut self, event: Event, now: Timestamp, rng: &mut Rng) -> Vec<Action> {
        match event {
            Event::Begin => self.begin(),
            Event::Blocked { reason } => {
                if matches!(self.phase, Phase::Idle { .. }) {
                    let blocked = Some(reason);
                    self.phase = Phase::Idle { blocked };
                }
            }
            Event::Adopted { pid, ready } => self.adopted(pid, ready, now),
            Event::EndedBefore { pid, cause, ended } => {
                self.ended(pid, cause, ended, false);
                self.why = format!("{cause} while Ninefold was down");
                self.actions.push(Action::Forget);
            }
            Event::Spawned { pid } => self.spawned(pid, now),
            Event::SpawnFailed { error } => self.spawn_failed(error, now, rng),
            Event::Probed {
                kind,
                attempt,
                stopped,
            } => self.probed(kind, &attempt, stopped, now),
            Event::Gone => self.gone(),
            Event::Exited { cause, ended } => {
                self.gone();
                self.exited(cause, ended, now, rng);
            }
            Event::KeeperLost { keeper } => self.keeper_lost(keeper, now),
            Event::Drained => self.drained(now),
            Event::Stop => self.stop(now),
            Event::Restart { reason } => self.restart(&reason, now),
            Event::Excuse { until } => self.excused_until = until,
            Event::Tick => self.tick(now),
        }
        mem::take(&mut self.actions)
    }

    /// When [`Event::Tick`] is due.
    pub(crate) fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.phase {
            Phase::Waiting { until, .. } => Some(*until),
            Phase::Leaving(_, _, step) => Some(match step {
                Step::Draining { until } | Step::Asked { until } | Step::Killed { until } => *until,
            }),
            Phase::Up(up) => up.gates.deadline(now),
            Phase::Idle { .. } | Phase::Spawning | Phase::Gone(..) | Phase::Stopped => None,
        }
    }

    /// The gates, while their probes are to be tried.
    pub(crate) const fn gates(&self) -> Option<&Gates> {
        match &self.phase {
            Phase::Up(up) => Some(&up.gates),
            _ => None,
        }
    }

    /// Whether it may receive traffic.
    pub(crate) const fn admitted(&self) -> bool {
        matches!(&self.phase, Phase::Up(up) if up.ready)
    }

    /// Whether it was ready under an earlier Ninefold, and no probe has said anything since.
    pub(crate) const fn resuming(&self) -> bool {
        matches!(&self.phase, Phase::Up(up) if up.resuming)
    }

    /// Whether it is stopped for good.
    pub(crate) const fn finished(&self) -> bool {
        matches!(self.phase, Phase::Stopped)
    }

    /// Whether a process is supposed to run.
    pub(crate) const fn running(&self) -> bool {
        matches!(self.phase, Phase::Up(_) | Phase::Leaving(..))
    }

    /// Whether it still waits for its first start.
    pub(crate) const fn idle(&self) -> bool {
        matches!(self.phase, Phase::Idle { .. })
    }

    /// Starts after the first since this node began.
    pub(crate) const fn restarts(&self) -> u32 {
        if self.adopted {
            self.starts
        } else {
            self.starts.saturating_sub(1)
        }
    }

    /// The state for `status`, and why, where that needs a word.
    pub(crate) fn state(&self) -> (InstanceState, Option<String>) {
        match &self.phase {
            Phase::Idle { blocked: None } | Phase::Spawning => (InstanceState::Starting, None),
            Phase::Idle { blocked } => (InstanceState::BackingOff, blocked.clone()),
            Phase::Up(up) if up.ready => {
                let degraded = up.degraded.as_deref().map(degraded::reason);
                (InstanceState::Ready, degraded)
            }
            Phase::Up(up) if up.was_ready => (InstanceState::NotReady, up.reason.clone()),
            Phase::Up(up) => (InstanceState::Starting, up.reason.clone()),
            Phase::Leaving(up, ..) => (InstanceState::Stopping, up.reason.clone()),
            Phase::Gone(..) if self.stopping => (InstanceState::Stopping, None),
            Phase::Gone(..) => (InstanceState::BackingOff, Some("its process ended".into())),
            Phase::Waiting { reason, .. } if self.history.looping() => {
                (InstanceState::CrashLoop, Some(reason.clone()))
            }
            Phase::Waiting { reason, .. } => (InstanceState::BackingOff, Some(reason.clone())),
            Phase::Stopped => (InstanceState::Stopped, None),
        }
    }

    /// Whether it is ready and says that others should be asked first.
    pub(crate) fn degraded(&self) -> bool {
        matches!(&self.phase, Phase::Up(up) if up.ready && up.degraded.is_some())
    }

    fn record(&mut self, kind: EventKind) {
        self.actions.push(Action::Record(kind));
    }

    fn announce(&mut self, action: &str, reason: &str) {
        self.record(EventKind::Action {
            instance: self.id.clone(),
            action: action.to_owned(),
            reason: reason.to_owned(),
        });
    }

    fn begin(&mut self) {
        if self.idle() {
            self.spawn();
        }
    }

    fn spawn(&mut self) {
        let why = mem::take(&mut self.why);
        let action = if self.starts == 0 && !self.adopted {
            "start"
        } else {
            "restart"
        };
        self.announce(action, &why);
        self.phase = Phase::Spawning;
        self.actions.push(Action::Spawn);
    }

    fn adopted(&mut self, pid: u32, ready: bool, now: Timestamp) {
        self.adopted = true;
        let instance = self.id.clone();
        self.record(EventKind::InstanceAdopted { instance, pid });
        let mut gates = Gates::new(&self.rules.health, now);
        if ready {
            gates.resume(now);
        }
        self.up(pid, gates, Some(ready), now);
    }

    fn spawned(&mut self, pid: u32, now: Timestamp) {
        self.starts = self.starts.saturating_add(1);
        let (instance, attempt) = (self.id.clone(), self.starts);
        self.record(EventKind::InstanceStarted {
            instance,
            pid,
            attempt,
        });
        self.up(pid, Gates::new(&self.rules.health, now), None, now);
    }

    /// `adopted`: whether an adopted one was ready.
    fn up(&mut self, pid: u32, gates: Gates, adopted: Option<bool>, now: Timestamp) {
        self.actions.push(Action::Observe(Seen::Started {
            pid: Some(pid),
            adopted: adopted.is_some(),
        }));
        self.phase = Phase::Up(Up {
            pid,
            since: now,
            unready_since: now,
            gates,
            ready: false,
            was_ready: false,
            resuming: adopted.unwrap_or(false),
            reason: None,
            degraded: None,
            failed: None,
        });
        if self.stopping {
            self.stop(now);
        }
    }

    fn spawn_failed(&mut self, error: String, now: Timestamp, rng: &mut Rng) {
        let instance = self.id.clone();
        self.record(EventKind::InstanceSpawnFailed {
            instance,
            error: error.clone(),
        });
        self.actions.push(Action::Observe(Seen::SpawnFailed {
            error: error.clone(),
        }));
        if self.stopping {
            self.stopped();
        } else {
            let decision = self.history.exited(now, Duration::ZERO, rng);
            self.wait(decision, error, now);
        }
    }

    fn leave(&mut self, purpose: Purpose, step: Step, reason: &str) {
        if let Phase::Up(up) = &mut self.phase {
            let mut up = up.clone();
            up.ready = false;
            up.reason = Some(reason.to_owned());
            reason.clone_into(&mut self.why);
            self.phase = Phase::Leaving(up, purpose, step);
        }
    }

    /// A planned departure: drain first, unless it never had traffic.
    fn depart(&mut self, purpose: Purpose, reason: &str, now: Timestamp) {
        let Phase::Up(up) = &self.phase else { return };
        if up.was_ready {
            let limit = self.rules.stop.drain.0;
            let until = now + limit + DRAIN_MARGIN;
            self.leave(purpose, Step::Draining { until }, reason);
            self.actions.push(Action::Drain(limit));
        } else {
            self.leave(purpose, Step::Draining { until: now }, reason);
            self.drained(now);
        }
    }

    fn drained(&mut self, now: Timestamp) {
        if let Phase::Leaving(_, _, step @ Step::Draining { .. }) = &mut self.phase {
            let until = now + self.rules.stop.grace.0;
            *step = Step::Asked { until };
            let why = self.why.clone();
            // The start that may follow is an action of its own.
            self.announce("stop", &why);
            self.actions.push(Action::Signal(self.rules.stop.signal));
        }
    }

    fn stop(&mut self, now: Timestamp) {
        self.stopping = true;
        match &mut self.phase {
            Phase::Up(_) => self.depart(Purpose::Stop, "asked to stop", now),
            Phase::Leaving(_, purpose, _) => *purpose = Purpose::Stop,
            Phase::Idle { .. } | Phase::Waiting { .. } => self.stopped(),
            Phase::Spawning | Phase::Gone(..) | Phase::Stopped => {}
        }
    }

    fn restart(&mut self, reason: &str, now: Timestamp) {
        if self.stopping {
            return;
        }
        match &mut self.phase {
            Phase::Up(_) => self.depart(Purpose::Replace, reason, now),
            Phase::Waiting { .. } => {
                reason.clone_into(&mut self.why);
                self.spawn();
            }
            Phase::Idle { .. }
            | Phase::Spawning
            | Phase::Leaving(..)
            | Phase::Gone(..)
            | Phase::Stopped => {}
        }
    }

    fn gone(&mut self) {
        let phase = mem::replace(&mut self.phase, Phase::Stopped);
        self.phase = match phase {
            Phase::Up(up) => Phase::Gone(up, None),
            Phase::Leaving(up, purpose, _) => Phase::Gone(up, Some(purpose)),
            other => other,
        };
    }

    fn exited(&mut self, cause: ExitCause, ended: Timestamp, now: Timestamp, rng: &mut Rng) {
        let Phase::Gone(up, purpose) = &self.phase else {
            return;
        };
        let (pid, since, purpose) = (up.pid, up.since, *purpose);
        self.ended(pid, cause, ended, purpose.is_some());
        self.actions.push(Action::Forget);
        if self.stopping {
            self.stopped();
        } else if purpose == Some(Purpose::Replace) {
            self.spawn();
        } else {
            let decision = if now < self.excused_until {
                let wait = self.history.excused(rng);
                Decision::Restart { wait }
            } else {
                self.history.exited(now, now.since(since), rng)
            };
            let reason = match purpose {
                Some(_) => mem::take(&mut self.why),
                None => cause.to_string(),
            };
            self.wait(decision, reason, now);
        }
    }

    fn ended(&mut self, pid: u32, cause: ExitCause, ended: Timestamp, expected: bool) {
        let instance = self.id.clone();
        self.actions.push(Action::Observe(Seen::Exited {
            pid,
            cause,
            ended,
            expected,
        }));
        self.record(EventKind::InstanceExited {
            instance,
            pid,
            cause,
            expected,
        });
    }

    fn wait(&mut self, decision: Decision, reason: String, now: Timestamp) {
        let within = self.rules.restart.within;
        let wait = match decision {
            Decision::Restart { wait } => wait,
            Decision::CrashLoop {
                wait,
                exits,
                begins,
            } => {
                if begins {
                    let instance = self.id.clone();
                    let within_ns = nanos(within);
                    self.record(EventKind::InstanceCrashLoop {
                        instance,
                        exits,
                        within_ns,
                    });
                    let seen = Seen::CrashLoop { exits, within };
                    self.actions.push(Action::Observe(seen));
                }
                wait
            }
        };
        let (instance, wait_ns) = (self.id.clone(), nanos(wait));
        self.record(EventKind::InstanceBackingOff { instance, wait_ns });
        self.why.clone_from(&reason);
        self.phase = Phase::Waiting {
            until: now + wait,
            reason,
        };
    }

    fn stopped(&mut self) {
        let instance = self.id.clone();
        self.phase = Phase::Stopped;
        self.actions.push(Action::Forget);
        self.record(EventKind::InstanceStopped { instance });
    }

    fn tick(&mut self, now: Timestamp) {
        if self.deadline(now).is_none_or(|deadline| now < deadline) {
            return;
        }
        match &mut self.phase {
            Phase::Waiting { .. } => self.spawn(),
            Phase::Up(up) if up.gates.is_late(now) => self.late(now),
            Phase::Leaving(_, _, Step::Draining { .. }) => self.drained(now),
            Phase::Leaving(_, _, step) => {
                let asked = matches!(step, Step::Asked { .. });
                let until = now + KILL_PATIENCE;
                *step = Step::Killed { until };
                let reason = if asked {
                    format!("it did not stop within {}", self.rules.stop.grace)
                } else {
                    "it did not die: it hangs in the kernel".to_owned()
                };
                self.actions.push(Action::Describe(reason.clone()));
                self.announce("kill", &reason);
                self.actions.push(Action::Kill);
            }
            _ => {}
        }
    }
}
