use std::collections::BTreeMap;
use std::sync::Arc;

use super::callers;
use super::charge::line;
use super::finding::{CallersWord, Facts, Finding};
use super::process::{crash_loop, exit, keeper_lost, node_lost, spawn, unready};
use super::rank::ranks;
use super::rules::{Peers, callers_word, judge};
use super::settings::Settings;
use super::track::{Ejection, Life, Track};
use super::value::{Electorate, by_answers};
use crate::event::Verdict;
use crate::id::InstanceId;
use crate::observation::{Ballot, EjectionGround, Observation, Seen};
use crate::taxonomy::FailureClass;
use crate::time::{Timestamp, nanos, short};

/// The classifier. Its memory is bounded by the number of registered instances.
#[derive(Clone, Debug, Default)]
pub struct Detector {
    settings: Settings,
    tracks: BTreeMap<InstanceId, Track>,
}

impl Detector {
    /// A detector that knows no instance yet.
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self {
            settings,
            tracks: BTreeMap::new(),
        }
    }

    /// Makes an instance known. Only known ones are judged. Of one that is known already the facts
    /// change and the memory stays.
    pub fn register(&mut self, instance: InstanceId, facts: Facts) {
        match self.tracks.get_mut(&instance) {
            Some(track) => track.facts = facts,
            None => {
                self.tracks.insert(instance, Track::new(facts));
            }
        }
    }

    /// Forgets an instance and its verdict.
    pub fn forget(&mut self, instance: &InstanceId) {
        self.tracks.remove(instance);
    }

    /// The verdict on an instance that is not well.
    #[must_use]
    pub fn verdict(&self, instance: &InstanceId) -> Option<&Verdict> {
        Some(&self.tracks.get(instance)?.open.as_ref()?.verdict)
    }

    /// Learns one observation. One about an instance that is not registered is ignored.
    pub fn observe(&mut self, observation: &Observation) -> Vec<Finding> {
        let Observation { instance, at, seen } = observation;
        let (at, settings) = (*at, &self.settings);
        let Some(track) = self.tracks.get_mut(instance) else {
            return Vec::new();
        };
        match seen {
            Seen::Started { adopted, .. } => track.started(*adopted),
            Seen::Ready => {
                if track.ready(at) {
                    track.open = None;
                    return recovered(instance, at);
                }
            }
            Seen::Exited {
                pid,
                cause,
                ended,
                expected,
            } => {
                track.down();
                if !expected {
                    let charge = exit(track, settings, at, (*pid, *cause, *ended));
                    return found(track.charge(instance, at, charge));
                }
            }
            Seen::SpawnFailed { .. }
            | Seen::CrashLoop { .. }
            | Seen::Unready { .. }
            | Seen::KeeperLost { .. }
            | Seen::NodeLost { .. } => return told(track, instance, at, seen),
            Seen::Probe {
                kind,
                outcome,
                alive,
                stopped,
                ..
            } => {
                // A probe of a process that is gone says nothing that its exit does not say better.
                let lives = track.life == Life::Up && *alive != Some(false);
                if lives && track.probes.learn(at, *kind, outcome, *stopped) {
                    track.heard_probe(at, outcome.passed());
                    return self.evaluate(instance, at);
                }
            }
            Seen::Callers(report) => {
                if track.life == Life::Up {
                    track.callers.push(at, *report, settings.callers_window);
                    track.heard_callers(at, report);
                    return self.evaluate(instance, at);
                }
            }
            Seen::Ejected { reason, ground, .. } => {
                let isolated = eject(track, instance, at, (reason, *ground));
                if !isolated.is_empty() || !ground.is_compared() || track.life != Life::Up {
                    return isolated;
                }
                return self.evaluate(instance, at);
            }
            Seen::Readmitted => track.readmitted(),
            Seen::Canary { .. } | Seen::Vote { .. } => {
                if track.life == Life::Up {
                    compared(track, at, seen);
                    return self.evaluate(instance, at);
                }
            }
            Seen::Absolved if track.absolve() => return recovered(instance, at),
            Seen::Absolved => {}
        }
        Vec::new()
    }

    /// Lets time pass: silences grow, good evidence lasts. Call it every 100 ms or so.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Finding> {
        let instances: Vec<InstanceId> = self
            .tracks
            .iter()
            .filter(|(_, track)| track.life == Life::Up)
            .map(|(instance, _)| instance.clone())
            .collect();
        let mut findings = Vec::new();
        for instance in instances {
            findings.extend(self.evaluate(&instance, now));
        }
        findings
    }

    /// Those that are judged.
    pub fn instances(&self) -> impl Iterator<Item = &InstanceId> {
        self.tracks.keys()
    }

    /// What is known of one beforehand.
    #[must_use]
    pub fn facts(&self, instance: &InstanceId) -> Option<&Facts> {
        Some(&self.tracks.get(instance)?.facts)
    }

    /// Whether its process runs and was not ready yet, and may still become so in time.
    #[must_use]
    pub fn is_starting(&self, instance: &InstanceId) -> bool {
        let track = self.tracks.get(instance);
        track.is_some_and(|track| track.life == Life::Starting && !track.overdue)
    }

    /// Whether votes have found an instance alone against a majority so often that it is no accident.
    #[must_use]
    pub fn is_often_alone(&self, instance: &InstanceId) -> bool {
        let needed = self.settings.minority_votes;
        let track = self.tracks.get(instance);
        track.is_some_and(|track| track.answers.against(Ballot::Minority, needed).is_some())
    }

    /// Of each instance that callers got answers from whether it is slow beside its peers.
    #[must_use]
    pub fn ranks(&self, now: Timestamp) -> Vec<(InstanceId, bool)> {
        ranks(&self.settings, self.tracks.iter(), now)
    }

    /// What callers meet at an instance now; nothing where it is not up, or too few of them came.
    #[must_use]
    pub fn callers(&self, instance: &InstanceId, now: Timestamp) -> Option<CallersWord> {
        let track = self.tracks.get(instance)?;
        if track.life != Life::Up {
            return None;
        }
        callers_word(
            &self.settings,
            track,
            &self.peers_of(instance, track, now),
            now,
        )
    }

    fn evaluate(&mut self, instance: &InstanceId, now: Timestamp) -> Vec<Finding> {
        let Some(track) = self.tracks.get(instance) else {
            return Vec::new();
        };
        if track.life != Life::Up {
            return Vec::new();
        }
        let peers = self.peers_of(instance, track, now);
        let wrong = track.answers.suspect();
        let answers = wrong
            .then(|| self.electorate(instance, track))
            .and_then(|all| by_answers(&self.settings, track, all, now));
        let charge = match answers {
            Some(charge) if charge.class == FailureClass::Byzantine => Some(charge),
            doubt => judge(&self.settings, track, &peers, now).or(doubt),
        };
        let Some(track) = self.tracks.get_mut(instance) else {
            return Vec::new();
        };
        if wrong {
            track.answers.prune(now, self.settings.answers_window);
        }
        if let Some(charge) = charge {
            return found(track.charge(instance, now, charge));
        }
        if let Some(at) = track.recovered(now, &self.settings) {
            track.open = None;
            return recovered(instance, at);
        }
        Vec::new()
    }

    /// Peers matter only beside callers that fail or wait; looking at them costs the most.
    fn peers_of(&self, instance: &InstanceId, track: &Track, now: Timestamp) -> Peers {
        let suspect = track.callers.suspect(now, self.settings.callers_window);
        if suspect || track.callers.lately(now).failures() > 0 {
            self.peers(instance, track, now)
        } else {
            Peers::default()
        }
    }

    /// How the instances of its service answer.
    fn electorate(&self, instance: &InstanceId, track: &Track) -> Electorate {
        let mut all = Electorate::default();
        let first = track.answers.wrong_since();
        let alone = track.answers.minorities();
        for (_, peer) in self.fellows(instance) {
            let answers = &peer.answers;
            let as_often = alone > 0 && answers.minorities().saturating_mul(2) >= alone;
            all.up += 1;
            all.wrong += u32::from(answers.is_wrong());
            all.right += u32::from(first.is_some_and(|then| answers.is_right_since(then)));
            all.minority += u32::from(as_often);
        }
        all
    }

    /// The instances of its service that are up, itself included.
    fn fellows(&self, instance: &InstanceId) -> impl Iterator<Item = (&InstanceId, &Track)> {
        let service = Arc::clone(&instance.service);
        let first = InstanceId::new(Arc::clone(&service), 0);
        self.tracks
            .range(first..)
            .take_while(move |(id, _)| id.service == service)
            .filter(|(_, track)| track.life == Life::Up)
    }

    /// Peers that fail in a known way of their own say nothing about what is usual.
    fn peers(&self, instance: &InstanceId, track: &Track, now: Timestamp) -> Peers {
        let silent_since = track.callers.silence().map(|silence| silence.since);
        let mut peers = Peers::default();
        for (id, peer) in self.fellows(instance) {
            let known = peer
                .open
                .as_ref()
                .is_some_and(|open| open.verdict.class != FailureClass::Unknown);
            if id == instance || known {
                continue;
            }
            peers.instances += 1;
            let sums = peer.callers.sums(now, self.settings.callers_window);
            callers::add(&mut peers.callers, &sums);
            if let Some(since) = silent_since {
                let (answers, time) = peer.callers.answers_since(since);
                peers.answers.0 = peers.answers.0.saturating_add(answers);
                peers.answers.1 = peers.answers.1.saturating_add(time);
            }
        }
        peers
    }
}

/// An answer was compared with the known one, or with others'.
fn compared(track: &mut Track, at: Timestamp, seen: &Seen) {
    match seen {
        Seen::Canary {
            canary,
            right,
            said,
        } => track.answers.canary(at, canary, *right, said),
        Seen::Vote { ballot, said } => track.answers.vote(at, *ballot, said),
        _ => {}
    }
}

fn recovered(instance: &InstanceId, at: Timestamp) -> Vec<Finding> {
    let instance = instance.clone();
    vec![Finding::Recovered { instance, at }]
}

fn found(verdict: Option<Verdict>) -> Vec<Finding> {
    verdict.map(Finding::Verdict).into_iter().collect()
}

/// What whoever runs the instance tells of it, besides its exit.
fn told(track: &mut Track, instance: &InstanceId, at: Timestamp, seen: &Seen) -> Vec<Finding> {
    let charge = match seen {
        Seen::SpawnFailed { error } => {
            track.down();
            spawn(at, error)
        }
        Seen::CrashLoop { exits, within } => crash_loop(at, *exits, &short(nanos(*within))),
        Seen::Unready { waited, probe } => {
            let charge = unready(at, *waited, probe.as_ref());
            return found(track.charge_unready(instance, at, charge));
        }
        Seen::KeeperLost { keeper, pid } => keeper_lost(at, *keeper, *pid),
        Seen::NodeLost {
            node,
            silent_since,
            host,
        } => {
            track.down();
            node_lost(at, node, *silent_since, *host)
        }
        _ => return Vec::new(),
    };
    found(track.charge(instance, at, charge))
}

fn eject(
    track: &mut Track,
    instance: &InstanceId,
    at: Timestamp,
    (reason, ground): (&str, EjectionGround),
) -> Vec<Finding> {
    let what = format!("took it out of rotation: {reason}");
    let ejection = Ejection {
        line: line(at, "gateway", what),
        ground,
    };
    let Some(open) = &mut track.open else {
        track.ejection = Some(ejection);
        return Vec::new();
    };
    open.append(vec![ejection.line.clone()]);
    if open.is_by_comparison() {
        track.ejection = Some(ejection);
    }
    let instance = instance.clone();
    vec![Finding::Isolated { instance, at }]
}
