use std::collections::VecDeque;

use super::answers::Answers;
use super::callers::CallerWindow;
use super::charge::{Charge, Clears};
use super::finding::Facts;
use super::probes::Probes;
use super::settings::Settings;
use crate::event::{EvidenceLine, Verdict};
use crate::id::InstanceId;
use crate::observation::{CallerReport, EjectionGround};
use crate::taxonomy::FailureClass;
use crate::time::Timestamp;

/// Evidence lines of a verdict at most: the first ones say how it began.
const EVIDENCE_MAX: usize = 16;

/// Evidence from here on comes once and not with every probe: each line of it is worth keeping.
const EXIT_WEIGHT: u8 = 4;

/// Exits remembered at most.
const EXITS_MAX: usize = 16;

/// Whether an instance can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Its incarnation was not ready yet.
    Starting,
    /// It was ready, or it is an endpoint that somebody else runs.
    Up,
    /// Its process is gone.
    Down,
}

/// What is known about one instance.
#[derive(Clone, Debug)]
pub(super) struct Track {
    pub(super) facts: Facts,
    pub(super) life: Life,
    pub(super) probes: Probes,
    pub(super) callers: CallerWindow,
    pub(super) answers: Answers,
    pub(super) ejection: Option<Ejection>,
    pub(super) open: Option<Open>,
    /// It was not ready in time, and is not yet.
    pub(super) overdue: bool,
    ready_at: Option<Timestamp>,
    exits: VecDeque<Timestamp>,
}

/// The gateway's traffic took it out of rotation.
#[derive(Clone, Debug)]
pub(super) struct Ejection {
    pub(super) line: EvidenceLine,
    pub(super) ground: EjectionGround,
}

/// A verdict that holds.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) verdict: Verdict,
    weight: u8,
    clears: Clears,
    /// Readiness ends it: a new incarnation began since, or this one was never ready.
    ends_when_ready: bool,
    /// In a crash loop: since when the newest incarnation is ready.
    ready_since: Option<Timestamp>,
    probes_good_since: Option<Timestamp>,
    callers_good_since: Option<Timestamp>,
    answers: u64,
}

impl Track {
    pub(super) fn new(facts: Facts) -> Self {
        let life = if facts.supervised {
            Life::Starting
        } else {
            Life::Up
        };
        Self {
            facts,
            life,
            probes: Probes::default(),
            callers: CallerWindow::default(),
            answers: Answers::default(),
            ejection: None,
            open: None,
            overdue: false,
            ready_at: None,
            exits: VecDeque::new(),
        }
    }

    /// A new incarnation: what was seen of the one before says nothing about it.
    pub(super) fn started(&mut self, adopted: bool) {
        self.forget();
        self.ready_at = None;
        self.overdue = false;
        self.life = if adopted || !self.facts.supervised {
            Life::Up
        } else {
            Life::Starting
        };
        if let Some(open) = &mut self.open {
            open.ends_when_ready = true;
            open.ready_since = None;
        }
    }

    /// Whether this ends the open verdict.
    pub(super) fn ready(&mut self, at: Timestamp) -> bool {
        self.life = Life::Up;
        self.ready_at.get_or_insert(at);
        let Some(open) = &mut self.open else {
            return false;
        };
        if open.verdict.class == FailureClass::CrashRecovery {
            open.ready_since.get_or_insert(at);
            return false;
        }
        open.ends_when_ready
    }

    /// Charges an incarnation that was never ready; that it is, then ends the verdict.
    pub(super) fn charge_unready(
        &mut self,
        instance: &InstanceId,
        now: Timestamp,
        charge: Charge,
    ) -> Option<Verdict> {
        self.overdue = true;
        let verdict = self.charge(instance, now, charge);
        if let Some(open) = &mut self.open {
            open.ends_when_ready = true;
        }
        verdict
    }

    /// A person trusts it again: nothing of before counts. Whether that ends a verdict.
    pub(super) fn absolve(&mut self) -> bool {
        self.answers = Answers::default();
        let wrong = |open: &Open| {
            open.verdict.class == FailureClass::Byzantine || open.clears == Clears::Answers
        };
        self.open.take_if(|open| wrong(open)).is_some()
    }

    pub(super) fn down(&mut self) {
        self.forget();
        self.life = Life::Down;
        if let Some(open) = &mut self.open {
            open.ends_when_ready = false;
            open.ready_since = None;
        }
    }

    fn forget(&mut self) {
        self.probes = Probes::default();
        self.callers = CallerWindow::default();
        self.answers = Answers::default();
        self.ejection = None;
    }

    /// Counts an unexpected exit; the exits that make a crash loop so far, this one included.
    pub(super) fn count_exit(
        &mut self,
        ended: Timestamp,
        settings: &Settings,
    ) -> &VecDeque<Timestamp> {
        let stable = self
            .ready_at
            .is_some_and(|at| ended.since(at) >= settings.stable_after);
        if stable {
            self.exits.clear();
        }
        self.exits.push_back(ended);
        while self.exits.len() > EXITS_MAX
            || self
                .exits
                .front()
                .is_some_and(|first| ended.since(*first) > settings.loop_window)
        {
            self.exits.pop_front();
        }
        &self.exits
    }

    /// Takes a charge up: the verdict, if it is a new one or its class changed.
    pub(super) fn charge(
        &mut self,
        instance: &InstanceId,
        now: Timestamp,
        charge: Charge,
    ) -> Option<Verdict> {
        let Some(open) = &mut self.open else {
            let mut verdict = Verdict {
                instance: instance.clone(),
                class: charge.class,
                onset: charge.onset,
                detected: now,
                evidence: charge.evidence,
            };
            verdict.evidence.truncate(EVIDENCE_MAX);
            self.open = Some(Open::new(verdict.clone(), charge.weight, charge.clears));
            return Some(verdict);
        };
        let unknown = open.verdict.class == FailureClass::Unknown;
        if charge.class == open.verdict.class {
            if charge.weight > open.weight {
                open.weight = charge.weight;
                open.clears = charge.clears;
                open.append(charge.evidence);
            } else if charge.weight >= EXIT_WEIGHT {
                open.append(charge.evidence);
            }
            return None;
        }
        let refines = unknown && charge.weight >= open.weight;
        if charge.weight <= open.weight && !refines {
            return None;
        }
        open.weight = charge.weight;
        open.clears = charge.clears;
        open.verdict.class = charge.class;
        open.verdict.onset = open.verdict.onset.min(charge.onset);
        open.verdict.detected = now;
        open.append(charge.evidence);
        Some(open.verdict.clone())
    }

    /// Good or bad news from a probe.
    pub(super) fn heard_probe(&mut self, at: Timestamp, passed: bool) {
        if let Some(open) = &mut self.open {
            if passed {
                open.probes_good_since.get_or_insert(at);
            } else {
                open.bad_news();
            }
        }
    }

    /// Good or bad news from callers. Less than a fifth of failures is good: no service is perfect.
    pub(super) fn heard_callers(&mut self, at: Timestamp, report: &CallerReport) {
        let Some(open) = &mut self.open else { return };
        if report.failures() > 0 && report.failures().saturating_mul(5) >= report.attempts {
            open.bad_news();
        } else if report.answered > 0 {
            open.callers_good_since.get_or_insert(at);
            open.answers = open.answers.saturating_add(report.answered);
        }
    }

    /// The gateway took it back. What it answered before that, it answered slowly, or failed in between.
    pub(super) fn readmitted(&mut self) {
        self.ejection = None;
        if let Some(open) = self.open.as_mut().filter(|open| open.is_by_comparison()) {
            open.bad_news();
        }
    }

    /// Since when it is well again, once that is sure.
    pub(super) fn recovered(&self, now: Timestamp, settings: &Settings) -> Option<Timestamp> {
        let open = self.open.as_ref()?;
        let lasted = |since: Timestamp, wait| now.since(since) >= wait;
        if self.life != Life::Up {
            return None;
        }
        match open.verdict.class {
            FailureClass::CrashRecovery => open
                .ready_since
                .filter(|since| lasted(*since, settings.stable_after)),
            // Who answered wrongly once is not taken at its word.
            FailureClass::CrashStop | FailureClass::Byzantine => None,
            _ => {
                let probes = open.probes_good_since.filter(|_| self.probes.pass());
                let callers = open
                    .callers_good_since
                    .filter(|_| open.answers >= settings.settle_answers);
                let good = match open.clears {
                    Clears::Comparison => callers.filter(|_| self.ejection.is_none()),
                    Clears::Answers => self.answers.good_since(),
                    _ if !self.facts.probed => callers,
                    Clears::Probes => probes,
                    Clears::Callers => callers,
                    Clears::Any => probes.or(callers),
                };
                good.filter(|since| lasted(*since, settings.settle))
            }
        }
    }
}

impl Open {
    const fn new(verdict: Verdict, weight: u8, clears: Clears) -> Self {
        Self {
            verdict,
            weight,
            clears,
            ends_when_ready: false,
            ready_since: None,
            probes_good_since: None,
            callers_good_since: None,
            answers: 0,
        }
    }

    pub(super) fn is_by_comparison(&self) -> bool {
        self.clears == Clears::Comparison
    }

    pub(super) fn append(&mut self, evidence: Vec<EvidenceLine>) {
        for line in evidence {
            if self.verdict.evidence.len() < EVIDENCE_MAX {
                self.verdict.evidence.push(line);
            }
        }
    }

    const fn bad_news(&mut self) {
        self.probes_good_since = None;
        self.callers_good_since = None;
        self.answers = 0;
    }
}
