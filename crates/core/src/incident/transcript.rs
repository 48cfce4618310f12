//! Transcripts in `testdata/detect/*.txt`: observations and what follows from them, rewritten by
//! `UPDATE_EXPECT=1`.
//!
//! A line is a command; lines that begin with two spaces are the answers to it. `TIME WORDS…` runs at
//! a millisecond, `FROM..TO/STEP WORDS…; WORDS…` repeats several commands together.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::Incidents;
use crate::detect::{Detector, Facts, Finding, Settings};
use crate::event::{Event, EventKind, FaultNotice, ImpactEnd, Incident, RouteImpact};
use crate::fault::{FaultEffect, FaultHits, GatewayFault};
use crate::id::InstanceId;
use crate::observation::{
    Ballot, CallerReport, EjectionGround, FailedProbe, HostWord, Observation, ProbeKind,
    ProbeOutcome, Seen,
};
use crate::slo::Suspect;
use crate::taxonomy::ExitCause;
use crate::time::Timestamp;

#[test]
fn transcripts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/detect");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let played = play(&text);
        expect_test::expect_file![&path].assert_eq(&played);
        count += 1;
    }
    assert!(count >= 8, "only {count} transcripts");
}

fn play(text: &str) -> String {
    let mut scene = Scene::new();
    for line in text.lines() {
        if line.starts_with("  ") {
            continue;
        }
        writeln!(scene.out, "{line}").unwrap();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (when, what) = line.split_once(' ').unwrap_or((line, ""));
        match when {
            "register" => scene.register(what),
            "restart" => scene.restart(),
            "unlist" => scene.unlist(what),
            _ => scene.run(when, what),
        }
    }
    scene.out
}

struct Scene {
    detector: Detector,
    incidents: Incidents,
    known: Vec<(InstanceId, Facts)>,
    journal: Vec<Event>,
    out: String,
}

impl Scene {
    fn new() -> Self {
        Self {
            detector: Detector::new(Settings::default()),
            incidents: Incidents::default(),
            known: Vec::new(),
            journal: Vec::new(),
            out: String::new(),
        }
    }

    fn register(&mut self, what: &str) {
        let (instance, rest) = what.split_once(' ').unwrap_or((what, ""));
        let facts = Facts {
            node: words(rest, "node").map(Into::into),
            zone: words(rest, "zone").map(Into::into),
            supervised: rest.contains("supervised"),
            probed: rest.contains("probed"),
        };
        let instance: InstanceId = instance.parse().unwrap();
        self.known.push((instance.clone(), facts.clone()));
        self.detector.register(instance.clone(), facts.clone());
        self.incidents.register(instance, facts);
    }

    /// A new run with a file that does not name `instance` any more.
    fn unlist(&mut self, instance: &str) {
        let instance: InstanceId = instance.parse().unwrap();
        self.known.retain(|(known, _)| *known != instance);
        self.restart();
        let forgotten = self.incidents.forget_unregistered();
        self.changed(0, forgotten);
    }

    /// A new run of Ninefold: only the journal is left.
    fn restart(&mut self) {
        self.detector = Detector::new(Settings::default());
        self.incidents = Incidents::restore(&self.journal);
        for (instance, facts) in self.known.clone() {
            self.detector.register(instance.clone(), facts.clone());
            self.incidents.register(instance, facts);
        }
    }

    fn run(&mut self, when: &str, what: &str) {
        let (from, to, step) = match when.split_once("..") {
            None => (when.parse().unwrap(), when.parse().unwrap(), 1),
            Some((from, rest)) => {
                let (to, step) = rest.split_once('/').unwrap();
                let step = step.parse().unwrap();
                (from.parse().unwrap(), to.parse().unwrap(), step)
            }
        };
        let mut now: u64 = from;
        while now <= to {
            for command in what.split(';') {
                self.command(now, command.trim());
            }
            now += step;
        }
    }

    fn command(&mut self, millis: u64, command: &str) {
        let at = Timestamp::from_millis(millis);
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        match verb {
            "tick" => {
                let findings = self.detector.tick(at);
                self.findings(millis, &findings);
                let grown = self.incidents.tick(at);
                self.changed(millis, grown);
            }
            "isolated" => {
                let changed = self.incidents.isolated(&rest.parse().unwrap(), at);
                self.changed(millis, changed);
            }
            "impact" => self.impact(at, rest),
            "fault" => self.fault(at, rest),
            "fault-ended" => self.fault_ended(at, rest),
            "action" => {
                let (instance, action) = rest.split_once(' ').unwrap();
                self.event(
                    at,
                    EventKind::Action {
                        instance: instance.parse().unwrap(),
                        action: action.to_owned(),
                        reason: "of the test".to_owned(),
                    },
                );
            }
            "breaker" => {
                let (service, state) = rest.split_once(' ').unwrap();
                self.event(
                    at,
                    EventKind::Breaker {
                        service: service.to_owned(),
                        state: state.to_owned(),
                    },
                );
            }
            "still-ejected" => {
                let all = rest.split(' ').filter(|one| !one.is_empty());
                let all = all.map(|one| one.parse().unwrap());
                self.incidents.still_ejected(all);
            }
            "event-ready" | "event-ejected" | "event-readmitted" | "stopping" => {
                self.told(at, verb, rest);
            }
            "show" => self.show(rest),
            "reliability" => self.reliability(),
            _ => {
                let (instance, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                let observation = Observation {
                    instance: instance.parse().unwrap(),
                    at,
                    seen: seen(at, verb, rest),
                };
                let findings = self.detector.observe(&observation);
                self.findings(millis, &findings);
            }
        }
    }

    /// What the journal says of an instance, or of the node.
    fn told(&mut self, at: Timestamp, verb: &str, rest: &str) {
        let instance = || rest.parse().unwrap();
        let kind = match verb {
            "event-ready" => EventKind::InstanceReady {
                instance: instance(),
                after_ns: 1_000_000,
            },
            "event-ejected" => EventKind::EndpointEjected {
                instance: instance(),
                reason: "of the test".to_owned(),
                for_ns: 1,
            },
            "event-readmitted" => EventKind::EndpointReadmitted {
                instance: instance(),
            },
            _ => EventKind::NodeStopping {
                reason: "the test".to_owned(),
            },
        };
        self.event(at, kind);
    }

    fn event(&mut self, at: Timestamp, kind: EventKind) {
        let seq = self.journal.len() as u64 + 1;
        let event = Event { seq, at, kind };
        self.journal.push(event.clone());
        let closed = self.incidents.event(&event);
        self.changed(at.as_millis(), closed);
    }

    fn impact(&mut self, at: Timestamp, rest: &str) {
        let mut parts = rest.split(' ');
        let suspect = parts.next().unwrap();
        let suspect = match suspect.parse() {
            Ok(instance) => Suspect::Instance(instance),
            Err(_) => Suspect::Service(suspect.into()),
        };
        let harm = RouteImpact {
            route: parts.next().unwrap().to_owned(),
            hurt: parts.next().unwrap().parse().unwrap(),
            masked: parts.next().unwrap().parse().unwrap(),
            ends: parts.map(end).collect(),
        };
        let to = self.incidents.impact(at, &suspect, harm);
        let to = to.unwrap_or_else(|| "none yet".to_owned());
        writeln!(self.out, "  counts to {to}").unwrap();
    }

    fn fault(&mut self, at: Timestamp, rest: &str) {
        let mut parts = rest.split(' ');
        let notice = FaultNotice {
            id: parts.next().unwrap().to_owned(),
            kind: parts.next().unwrap().to_owned(),
            ttl_ns: words(rest, "ttl").unwrap().parse::<u64>().unwrap() * 1_000_000,
            targets: parts.filter_map(|part| part.parse().ok()).collect(),
            nodes: Vec::new(),
            claim: words(rest, "claim").map(str::to_owned),
            gateway: rest.contains("gateway").then_some(GatewayFault {
                share_percent: 100,
                header: None,
                effect: FaultEffect::ResetPeer { late: true },
            }),
        };
        self.event(at, EventKind::FaultAnnounced(notice));
    }

    fn fault_ended(&mut self, at: Timestamp, rest: &str) {
        let count = |of| words(rest, of).map(|count| count.parse::<u64>().unwrap());
        let kind = EventKind::FaultEnded {
            id: rest.split(' ').next().unwrap().to_owned(),
            how: "rolled back".to_owned(),
            hits: count("hit").map(|requests| FaultHits {
                requests,
                ok: count("ok").unwrap_or(0),
                failed: count("failed").unwrap_or(0),
                other: 0,
            }),
        };
        writeln!(self.out, "  {} {kind}", at.as_millis()).unwrap();
        self.event(at, kind);
    }

    fn findings(&mut self, millis: u64, findings: &[Finding]) {
        for finding in findings {
            match finding {
                Finding::Verdict(verdict) => {
                    writeln!(
                        self.out,
                        "  {millis} verdict {}: {}, onset {}",
                        verdict.instance,
                        verdict.class,
                        verdict.onset.as_millis()
                    )
                    .unwrap();
                    for line in &verdict.evidence {
                        let at = line.at.as_millis();
                        writeln!(self.out, "    {at} {}: {}", line.observer, line.what).unwrap();
                    }
                }
                Finding::Isolated { instance, at } => {
                    let at = at.as_millis();
                    writeln!(self.out, "  {millis} isolated {instance} at {at}").unwrap();
                }
                Finding::Recovered { instance, at } => {
                    let at = at.as_millis();
                    writeln!(self.out, "  {millis} recovered {instance} at {at}").unwrap();
                }
            }
            let changed = self.incidents.finding(finding);
            self.changed(millis, changed);
        }
    }

    fn changed(&mut self, millis: u64, incidents: Vec<Incident>) {
        for incident in incidents {
            let kind = EventKind::Incident(Box::new(incident));
            writeln!(self.out, "  {millis} {kind}").unwrap();
            let seq = self.journal.len() as u64 + 1;
            let at = Timestamp::from_millis(millis);
            self.journal.push(Event { seq, at, kind });
        }
    }

    fn show(&mut self, id: &str) {
        let Some(incident) = self.incidents.get(id) else {
            writeln!(self.out, "  no such incident").unwrap();
            return;
        };
        let at = |at: Option<Timestamp>| at.map_or(0, Timestamp::as_millis);
        let mut text = format!(
            "  {:?} {} in {}, onset {}, detected {}, isolated {}, recovered {}, injected {}, merged into {}\n",
            incident.state,
            incident.class,
            incident.domain,
            incident.onset.as_millis(),
            incident.detected.as_millis(),
            at(incident.isolated),
            at(incident.recovered),
            incident.injected.as_deref().unwrap_or("-"),
            incident.merged_into.as_deref().unwrap_or("-"),
        );
        if let Some(injection) = &incident.injection {
            let claim = injection.claim.as_deref().unwrap_or("-");
            write!(text, "  injected {}, claim {claim}", injection.kind).unwrap();
            if let Some(end) = &injection.ended {
                write!(text, ", {} {}", end.how, end.at.as_millis()).unwrap();
                if let Some(hits) = end.hits {
                    write!(text, ", it hit {hits}").unwrap();
                }
            }
            text.push('\n');
        }
        for impact in &incident.impact {
            let RouteImpact {
                route,
                hurt,
                masked,
                ends,
            } = impact;
            writeln!(text, "  {route}: {hurt} hurt, {masked} masked").unwrap();
            for end in ends {
                let ImpactEnd {
                    by,
                    phase,
                    cause,
                    requests,
                    trace_id,
                } = end;
                let trace = trace_id.as_ref();
                let trace = trace.map_or_else(String::new, |trace| format!("/{trace}"));
                writeln!(text, "    {requests} {by}/{phase}/{cause}{trace}").unwrap();
            }
        }
        for (what, lines) in [("change", &incident.changes), ("action", &incident.actions)] {
            for line in lines {
                let at = line.at.as_millis();
                writeln!(text, "  {what} {at} {}: {}", line.observer, line.what).unwrap();
            }
        }
        self.out.push_str(&text);
    }

    fn reliability(&mut self) {
        for account in self.incidents.reliability() {
            writeln!(
                self.out,
                "  {} injected {}: {} incidents, mttd {:.3}, mttr {:?}, mtbf {:?}",
                account.class,
                account.injected,
                account.incidents,
                account.mttd_seconds,
                account.mttr_seconds,
                account.mtbf_seconds
            )
            .unwrap();
        }
    }
}

/// `5:gateway/route/no-endpoint`, maybe with a trace behind it: `2:upstream/wait/reset/4bf9`.
fn end(text: &str) -> ImpactEnd {
    let (requests, end) = text.split_once(':').unwrap();
    let mut words = end.split('/').map(str::to_owned);
    ImpactEnd {
        by: words.next().unwrap(),
        phase: words.next().unwrap(),
        cause: words.next().unwrap(),
        requests: requests.parse().unwrap(),
        trace_id: words.next(),
    }
}

fn seen(at: Timestamp, verb: &str, rest: &str) -> Seen {
    match verb {
        "started" => Seen::Started {
            pid: words(rest, "pid").map(|pid| pid.parse().unwrap()),
            adopted: rest.contains("adopted"),
        },
        "ready" => Seen::Ready,
        "exited" => Seen::Exited {
            pid: words(rest, "pid").unwrap().parse().unwrap(),
            cause: words(rest, "signal").map_or_else(
                || ExitCause::Code(words(rest, "code").unwrap().parse().unwrap()),
                |signal| ExitCause::Signal(signal.parse().unwrap()),
            ),
            ended: words(rest, "ended")
                .map_or(at, |ended| Timestamp::from_millis(ended.parse().unwrap())),
            expected: rest.contains("expected"),
        },
        "spawn-failed" => Seen::SpawnFailed {
            error: rest.to_owned(),
        },
        "crash-loop" => Seen::CrashLoop {
            exits: number(rest, "exits").try_into().unwrap(),
            within: Duration::from_millis(number(rest, "within")),
        },
        "unready" => Seen::Unready {
            waited: Duration::from_millis(number(rest, "waited")),
            probe: failed(rest),
        },
        "node-lost" => Seen::NodeLost {
            node: rest.split(' ').next().unwrap().to_owned(),
            silent_since: Timestamp::from_millis(number(rest, "silent")),
            host: match words(rest, "host").unwrap() {
                "ended" => HostWord::Ended,
                "hung" => HostWord::Hung,
                "silent" => HostWord::Silent,
                _ => HostWord::Unasked,
            },
        },
        "keeper-lost" => Seen::KeeperLost {
            keeper: number(rest, "keeper").try_into().unwrap(),
            pid: number(rest, "pid").try_into().unwrap(),
        },
        "probe" => probe(rest),
        "callers" => Seen::Callers(callers(rest)),
        "ejected" => Seen::Ejected {
            reason: rest.to_owned(),
            ground: match rest.split([' ', ':']).next() {
                Some("slow") => EjectionGround::Slower,
                Some("fails") => EjectionGround::FailsMore,
                _ => EjectionGround::Failures,
            },
            until: at + Duration::from_secs(10),
        },
        "readmitted" => Seen::Readmitted,
        "canary" | "vote" => answer(verb, rest),
        "absolved" => Seen::Absolved,
        other => panic!("no such command: {other}"),
    }
}

/// `canary NAME=right|wrong WORDS…`, `vote agrees|minority|split WORDS…`.
fn answer(verb: &str, rest: &str) -> Seen {
    let (what, said) = rest.split_once(' ').unwrap_or((rest, ""));
    let said = said.to_owned();
    if verb == "canary" {
        let (canary, answer) = what.split_once('=').unwrap();
        return Seen::Canary {
            canary: format!("GET /{canary}"),
            right: answer == "right",
            said,
        };
    }
    let ballot = match what {
        "agrees" => Ballot::Agrees,
        "minority" => Ballot::Minority,
        "split" => Ballot::Split,
        other => panic!("no such ballot: {other}"),
    };
    Seen::Vote { ballot, said }
}

fn probe(rest: &str) -> Seen {
    let mut parts = rest.split(' ');
    let kind = match parts.next().unwrap() {
        "startup" => ProbeKind::Startup,
        "ready" => ProbeKind::Ready,
        "live" => ProbeKind::Live,
        other => panic!("no such probe: {other}"),
    };
    let outcome = match parts.next().unwrap() {
        "passed" => ProbeOutcome::Passed,
        "timeout" => ProbeOutcome::TimedOut,
        "unreachable" => ProbeOutcome::Unreachable("connection refused".to_owned()),
        "refused" => ProbeOutcome::Refused("status 503".to_owned()),
        other => panic!("no such outcome: {other}"),
    };
    Seen::Probe {
        kind,
        outcome,
        failures_in_a_row: 0,
        alive: None,
        stopped: rest.contains("stopped"),
    }
}

fn failed(rest: &str) -> Option<FailedProbe> {
    let (_, said) = rest.split_once("said ")?;
    match probe(said) {
        Seen::Probe {
            kind,
            outcome,
            stopped,
            ..
        } => Some(FailedProbe {
            kind,
            outcome,
            in_a_row: 30,
            stopped,
        }),
        other => panic!("no probe: {other:?}"),
    }
}

fn callers(rest: &str) -> CallerReport {
    let answered = number(rest, "ok") + number(rest, "5xx");
    let mut report = CallerReport {
        attempts: 0,
        connect_failed: number(rest, "refused"),
        reset: number(rest, "reset"),
        timed_out: number(rest, "timeout"),
        server_errors: number(rest, "5xx"),
        in_flight: number(rest, "inflight"),
        latency_sum_ns: answered * number(rest, "latency").max(1) * 1_000_000,
        answered,
    };
    report.attempts = answered + report.connect_failed + report.reset + report.timed_out;
    report
}

fn number(text: &str, key: &str) -> u64 {
    words(text, key).map_or(0, |value| value.parse().unwrap())
}

fn words<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.split(' ')
        .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}
