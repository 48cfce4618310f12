use std::time::Duration;

use super::charge::{Charge, Clears, line};
use super::settings::Settings;
use super::track::Track;
use crate::observation::{FailedProbe, HostWord, ProbeOutcome};
use crate::taxonomy::{ExitCause, FailureClass};
use crate::time::{Timestamp, nanos, short};

pub(super) fn exit(
    track: &mut Track,
    settings: &Settings,
    at: Timestamp,
    (pid, cause, ended): (u32, ExitCause, Timestamp),
) -> Charge {
    let exits = track.count_exit(ended, settings);
    let seen = format!("process {pid} ended: {cause}; nobody asked for it");
    let mut evidence = vec![line(at, "supervisor", seen)];
    if exits.len() < settings.loop_exits {
        return Charge {
            class: FailureClass::CrashStop,
            weight: 5,
            clears: Clears::Any,
            onset: ended,
            evidence,
        };
    }
    let onset = exits.front().copied().unwrap_or(ended);
    let what = format!(
        "that was exit {} within {}; no incarnation stayed ready for {}",
        exits.len(),
        short(nanos(ended.since(onset))),
        short(nanos(settings.stable_after))
    );
    evidence.push(line(at, "supervisor", what));
    Charge {
        class: FailureClass::CrashRecovery,
        weight: 6,
        clears: Clears::Any,
        onset,
        evidence,
    }
}

/// What a lost node runs is as good as gone, whatever it does.
pub(super) fn node_lost(
    at: Timestamp,
    node: &str,
    silent_since: Timestamp,
    host: HostWord,
) -> Charge {
    let after = short(nanos(at.since(silent_since)));
    let silent = format!(
        "node {node}, which runs it, answers none of its observers on any path; they convicted it {after} after its first silence here"
    );
    let (class, weight, what) = match host {
        HostWord::Ended => (
            FailureClass::CrashStop,
            5,
            format!(
                "the process of node {node}, which runs it, has ended: its host refuses the connections that its observers held"
            ),
        ),
        HostWord::Hung => (
            FailureClass::Timing,
            4,
            format!("{silent}; its kernel accepts connections, so its process hangs"),
        ),
        HostWord::Silent => (
            FailureClass::CrashStop,
            4,
            format!("{silent}, and its host does not answer either"),
        ),
        HostWord::Unasked => (FailureClass::CrashStop, 4, silent),
    };
    Charge {
        class,
        weight,
        clears: Clears::Any,
        onset: silent_since,
        evidence: vec![line(at, "members", what)],
    }
}

pub(super) fn spawn(at: Timestamp, error: &str) -> Charge {
    let what = format!("the process could not be started: {error}");
    Charge {
        class: FailureClass::Unknown,
        weight: 4,
        clears: Clears::Any,
        onset: at,
        evidence: vec![line(at, "supervisor", what)],
    }
}

pub(super) fn crash_loop(at: Timestamp, exits: u32, within: &str) -> Charge {
    let what = format!("crash loop: {exits} exits within {within}");
    Charge {
        class: FailureClass::CrashRecovery,
        weight: 6,
        clears: Clears::Any,
        onset: at,
        evidence: vec![line(at, "supervisor", what)],
    }
}

/// Of an incarnation that never was ready only its silence says what is wrong. One that refuses
/// connections may be slow, or listen elsewhere; one that calls itself unready does not say why.
pub(super) fn unready(at: Timestamp, waited: Duration, probe: Option<&FailedProbe>) -> Charge {
    let silent = probe.is_some_and(|probe| {
        (probe.stopped && !matches!(probe.outcome, ProbeOutcome::Refused(_)))
            || (probe.outcome == ProbeOutcome::TimedOut && probe.in_a_row > 1)
    });
    let mut evidence = vec![line(
        at,
        "supervisor",
        format!("it runs for {} and was never ready", short(nanos(waited))),
    )];
    evidence.extend(probe.map(|probe| line(at, "probe", failed(probe))));
    Charge {
        class: if silent {
            FailureClass::Timing
        } else {
            FailureClass::Unknown
        },
        weight: 4,
        clears: Clears::Any,
        onset: at - waited,
        evidence,
    }
}

fn failed(probe: &FailedProbe) -> String {
    let what = match &probe.outcome {
        ProbeOutcome::Passed => "passed".to_owned(),
        ProbeOutcome::TimedOut => "got no answer on a connection that stands".to_owned(),
        ProbeOutcome::Unreachable(said) => format!("could not connect ({said})"),
        ProbeOutcome::Refused(said) => format!("was answered \"not well\" ({said})"),
    };
    let stopped = if probe.stopped {
        "; the kernel says the process is stopped (state T)"
    } else {
        ""
    };
    format!(
        "{} probe {what}, {} in a row{stopped}",
        probe.kind.name(),
        probe.in_a_row
    )
}

/// What stopped is a part of the instance: nobody takes its output any more, and its next line is
/// a broken pipe.
pub(super) fn keeper_lost(at: Timestamp, keeper: u32, pid: u32) -> Charge {
    let what = format!(
        "its keeper, process {keeper}, ended and nobody asked for it; process {pid} lives, with \
         nobody to take its output or to see its end"
    );
    Charge {
        class: FailureClass::CrashStop,
        weight: 3,
        clears: Clears::Any,
        onset: at,
        evidence: vec![line(at, "supervisor", what)],
    }
}
