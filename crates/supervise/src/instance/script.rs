//! A machine that is told events one by one, and a transcript of what it asks for.

use std::fmt::Write;
use std::time::Duration;

use expect_test::Expect;
use ninefold_config::model::{Check, Health, Probe, Span, Stop};
use ninefold_core::id::InstanceId;
use ninefold_core::observation::{ProbeKind, ProbeOutcome, Seen};
use ninefold_core::policy::Backoff;
use ninefold_core::restart::RestartPolicy;
use ninefold_core::rng::Rng;
use ninefold_core::taxonomy::ExitCause;
use ninefold_core::time::Timestamp;

use crate::probe::Attempt;

use super::action::Action;
use super::event::Event;
use super::machine::{Machine, Rules};

/// The machine of `web/0`, and what was said so far.
pub(super) struct Script {
    pub(super) machine: Machine,
    pub(super) rng: Rng,
    pub(super) now: Timestamp,
    text: String,
}

impl Script {
    pub(super) fn new() -> Self {
        let probe = |path: &str| {
            Some(Probe {
                failures: 1,
                ..Probe::new(Check::Http {
                    path: path.into(),
                    http2: false,
                })
            })
        };
        let rules = Rules {
            health: Health {
                startup: None,
                ready: probe("/ready"),
                live: probe("/live"),
            },
            stop: Stop {
                signal: 15,
                grace: Span::secs(10),
                drain: Span::secs(5),
            },
            restart: RestartPolicy {
                backoff: Backoff::exponential(Duration::from_millis(100), Duration::from_secs(30)),
                budget: 2,
                within: Duration::from_secs(60),
                crash_loop_every: Duration::from_secs(30),
            },
        };
        Self {
            machine: Machine::new(InstanceId::new("web", 0), rules),
            rng: Rng::new(7),
            now: Timestamp::from_secs(100),
            text: String::new(),
        }
    }

    pub(super) fn tell(&mut self, name: &str, event: Event) -> &mut Self {
        let actions = self.machine.handle(event, self.now, &mut self.rng);
        writeln!(self.text, "{name}").unwrap();
        for action in actions {
            let line = match action {
                Action::Record(kind) => format!("record {kind}"),
                Action::Observe(Seen::Probe { kind, outcome, .. }) => {
                    format!("observe {} {outcome:?}", kind.name())
                }
                Action::Observe(seen) => {
                    let text = format!("{seen:?}");
                    let name = text.split([' ', '{']).next().unwrap_or_default();
                    format!("observe {name}")
                }
                other => format!("{other:?}"),
            };
            writeln!(self.text, "  {line}").unwrap();
        }
        let (state, reason) = self.machine.state();
        let admitted = if self.machine.admitted() {
            ", admitted"
        } else {
            ""
        };
        let reason = reason
            .map(|reason| format!(" ({reason})"))
            .unwrap_or_default();
        writeln!(self.text, "  = {}{reason}{admitted}", state.name()).unwrap();
        self
    }

    pub(super) fn begin(&mut self) -> &mut Self {
        self.tell("begin", Event::Begin)
    }

    pub(super) fn spawned(&mut self) -> &mut Self {
        self.tell("spawned", Event::Spawned { pid: 7 })
    }

    pub(super) fn probed(&mut self, kind: ProbeKind, outcome: ProbeOutcome) -> &mut Self {
        let attempt = Attempt {
            silent: outcome == ProbeOutcome::TimedOut,
            outcome,
            degraded: None,
        };
        let stopped = false;
        let event = Event::Probed {
            kind,
            attempt,
            stopped,
        };
        self.tell("probed", event)
    }

    pub(super) fn ready(&mut self) -> &mut Self {
        self.begin()
            .spawned()
            .probed(ProbeKind::Ready, ProbeOutcome::Passed)
    }

    pub(super) fn exited(&mut self, cause: ExitCause) -> &mut Self {
        let ended = Timestamp::from_secs(1);
        self.tell("gone", Event::Gone)
            .tell("exited", Event::Exited { cause, ended })
    }

    /// Waits for the deadline that the machine asks for.
    pub(super) fn pass_time(&mut self) -> &mut Self {
        if let Some(deadline) = self.machine.deadline(self.now) {
            self.now = deadline;
        }
        self.tell("time passes", Event::Tick)
    }

    pub(super) fn check(&mut self, expect: &Expect) {
        expect.assert_eq(&self.text);
    }
}
