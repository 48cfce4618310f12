use super::callers::Silence;
use super::charge::{Charge, Clears, line};
use super::finding::{CallersWord, Facts};
use super::probes::Row;
use super::settings::Settings;
use super::track::Track;
use crate::event::EvidenceLine;
use crate::observation::CallerReport;
use crate::taxonomy::FailureClass;
use crate::time::{Timestamp, nanos, short};
use crate::wilson;

/// Standard deviations within which two shares of failures must not meet: once in a thousand they do by chance.
const CERTAIN_Z: f64 = 3.0;
/// The same, once in twenty.
const LIKELY_Z: f64 = 2.0;

/// The peers of an instance: the other ones of its service that are not themselves in question.
#[derive(Clone, Debug, Default)]
pub(super) struct Peers {
    /// How many there are.
    pub(super) instances: u64,
    /// What callers met at them within the window.
    pub(super) callers: CallerReport,
    /// Answers since the instance fell silent, and the sum of their times in nanoseconds.
    pub(super) answers: (u64, u64),
}

/// The table of the module's header for an instance that is up, heaviest rules first.
pub(super) fn judge(
    settings: &Settings,
    track: &Track,
    peers: &Peers,
    now: Timestamp,
) -> Option<Charge> {
    let mut charge = by_probes(settings, track)
        .or_else(|| by_connections(settings, track, now))
        .or_else(|| by_failures(settings, track, peers, now))
        .or_else(|| by_silence(settings, track, peers, now))
        .or_else(|| by_comparison(track))
        .or_else(|| by_its_word(settings, track))?;
    if let Some(ejection) = track
        .ejection
        .as_ref()
        .filter(|_| charge.clears != Clears::Comparison)
    {
        charge.evidence.push(ejection.line.clone());
    }
    Some(charge)
}

fn by_probes(settings: &Settings, track: &Track) -> Option<Charge> {
    let needed = settings.probes_in_a_row;
    for (name, row) in track.probes.rows() {
        let Some(last) = row.last else { continue };
        let (class, what) = if row.stopped && row.timed_out + row.unreachable > 0 {
            (
                FailureClass::Timing,
                format!(
                    "{name} probe failed {}; the process exists and the kernel says it is stopped (state T)",
                    times(row.failures())
                ),
            )
        } else if row.timed_out >= needed {
            (
                FailureClass::Timing,
                format!(
                    "{name} probe got no answer {} in a row on a connection that stands{}",
                    times(row.timed_out),
                    process(&track.facts)
                ),
            )
        } else if row.unreachable >= needed {
            let class = if track.facts.supervised {
                FailureClass::Omission
            } else {
                FailureClass::Unknown
            };
            (
                class,
                format!(
                    "{name} probe could not connect {} in a row ({}){}",
                    times(row.unreachable),
                    row.said,
                    process(&track.facts)
                ),
            )
        } else {
            continue;
        };
        let mut evidence = vec![line(last, "probe", what)];
        evidence.extend(callers_beside(settings, track, last));
        return Some(Charge {
            class,
            weight: 3,
            clears: Clears::Probes,
            onset: onset(settings, track, row),
            evidence,
        });
    }
    None
}

/// The last sign of health before the first failed probe, if there is a recent one.
fn onset(settings: &Settings, track: &Track, row: &Row) -> Timestamp {
    let first = row.first.unwrap_or_default();
    let healthy = [track.probes.last_pass(), track.callers.last_answer()];
    healthy
        .into_iter()
        .flatten()
        .filter(|at| *at <= first && first.since(*at) <= settings.onset_reach)
        .max()
        .unwrap_or(first)
}

fn process(facts: &Facts) -> &'static str {
    if facts.supervised {
        ", while the process lives"
    } else {
        "; nobody watches its process"
    }
}

/// What callers say at the same time; a contradiction is worth a line too.
fn callers_beside(settings: &Settings, track: &Track, now: Timestamp) -> Option<EvidenceLine> {
    if let Some(silence) = track.callers.silence() {
        let what = format!(
            "{} wait, {} timed out, none answered for {}",
            count(silence.in_flight, "attempt"),
            silence.timed_out,
            short(nanos(now.since(silence.since)))
        );
        return Some(line(now, "callers", what));
    }
    let sums = track.callers.sums(now, settings.callers_window);
    (sums.attempts > 0).then(|| line(now, "callers", failures(settings, &sums)))
}

/// What callers met, since when, and in words.
struct Met {
    sums: CallerReport,
    since: Timestamp,
    what: String,
}

/// Within the window, if callers fail for long enough to convict and still do.
fn in_window(settings: &Settings, track: &Track, now: Timestamp) -> Option<Met> {
    let sums = track.callers.sums(now, settings.callers_window);
    let since = track
        .callers
        .failing_since(now, settings.callers_window)
        .filter(|since| now.since(*since) >= settings.hold)
        .filter(|_| track.callers.fails_since(now - settings.fresh))?;
    Some(Met {
        what: failures(settings, &sums),
        sums,
        since,
    })
}

/// Since the last success. The gateway keeps traffic away from what fails, so that successes of
/// before may outnumber failures for as long as the window lasts; what failed every time that it
/// was tried needs no share. An ejection says that the last attempts failed, whatever else is in
/// the report; and as nothing is tried meanwhile, its last failure stands for longer than others
/// do. Time-outs are left to the rules for silence.
fn in_streak(settings: &Settings, track: &Track, now: Timestamp) -> Option<Met> {
    let streak = track.callers.streak()?;
    let ejected = track.ejection.is_some();
    let enough = ejected || (!streak.mixed && streak.sums.attempts >= settings.attempts_min);
    let holds = now.since(streak.since) >= settings.hold
        && now.since(streak.last) <= settings.callers_window;
    if !enough || !holds || streak.sums.timed_out > 0 {
        return None;
    }
    let what = format!(
        "{} failed and none succeeded for {}: {}",
        count(streak.sums.attempts, "attempt"),
        short(nanos(now.since(streak.since))),
        kinds(&streak.sums)
    );
    Some(Met {
        sums: streak.sums,
        since: streak.since,
        what,
    })
}

/// What callers meet at an instance that is up; nothing where too few of them came.
pub(super) fn callers_word(
    settings: &Settings,
    track: &Track,
    peers: &Peers,
    now: Timestamp,
) -> Option<CallersWord> {
    if let Some(met) = cut_off(settings, track, now) {
        let all = met.sums.failures() >= met.sums.attempts;
        return Some(if all {
            CallersWord::Cut
        } else {
            CallersWord::Torn
        });
    }
    if let Some(met) = failing(settings, track, peers, now) {
        let here = is_alone(settings, peers) || stands_out(settings, &met.sums, peers);
        return Some(if here {
            CallersWord::Failing
        } else {
            CallersWord::FailingEverywhere
        });
    }
    if by_silence(settings, track, peers, now).is_some() {
        return Some(CallersWord::Waiting);
    }
    if falters(settings, &track.callers.lately(now), peers) {
        return Some(CallersWord::Faltering);
    }
    let sums = track.callers.sums(now, settings.callers_window);
    let served = sums.attempts >= settings.attempts_min
        && sums.failures().saturating_mul(20) <= sums.attempts;
    served.then_some(CallersWord::Served)
}

const fn lost(sums: &CallerReport) -> u64 {
    sums.connect_failed.saturating_add(sums.reset)
}

/// Callers of whom at least half get no connection, or lose it.
fn cut_off(settings: &Settings, track: &Track, now: Timestamp) -> Option<Met> {
    let cut_off = |met: &Met| lost(&met.sums).saturating_mul(2) >= met.sums.attempts;
    in_window(settings, track, now)
        .filter(|met| met.sums.attempts >= settings.attempts_min && cut_off(met))
        .or_else(|| in_streak(settings, track, now).filter(cut_off))
}

fn by_connections(settings: &Settings, track: &Track, now: Timestamp) -> Option<Charge> {
    let met = cut_off(settings, track, now)?;
    let blind = !track.facts.supervised && lost(&met.sums) == met.sums.attempts;
    Some(Charge {
        class: if blind {
            FailureClass::Unknown
        } else {
            FailureClass::Omission
        },
        weight: 2,
        clears: Clears::Callers,
        onset: met.since,
        evidence: vec![line(
            now,
            "callers",
            format!("{}{}", met.what, process(&track.facts)),
        )],
    })
}

/// Whether callers fail so much more often here than at the peers that the cause is here.
fn stands_out(settings: &Settings, sums: &CallerReport, peers: &Peers) -> bool {
    u128::from(sums.failures()) * u128::from(peers.callers.attempts)
        >= u128::from(settings.peer_factor)
            * u128::from(peers.callers.failures())
            * u128::from(sums.attempts)
}

/// Some failed, and it is unlikely that they would have at a peer: too little to convict by, and not nothing.
fn falters(settings: &Settings, sums: &CallerReport, peers: &Peers) -> bool {
    sums.failures() > 1
        && sums.failures().saturating_mul(5) >= sums.attempts
        && is_more(settings, sums, peers, LIKELY_Z)
}

/// Whether the least share of failures here is `peer_factor` times the most of the peers, both within `z` standard
/// deviations.
fn is_more(settings: &Settings, sums: &CallerReport, peers: &Peers, z: f64) -> bool {
    let least = wilson::lower_bound(sums.failures(), sums.attempts, z);
    let most = wilson::upper_bound(peers.callers.failures(), peers.callers.attempts, z);
    let factor = u32::try_from(settings.peer_factor).unwrap_or(u32::MAX);
    !is_alone(settings, peers) && least >= most * f64::from(factor)
}

const fn is_alone(settings: &Settings, peers: &Peers) -> bool {
    peers.callers.attempts < settings.failures_min
}

/// Since the first failure of the window. A replica that was well a moment ago has many successes behind it, and one
/// that a gateway keeps away from gets few calls more; the share of all of the window would say it only seconds later.
fn since_first(settings: &Settings, track: &Track, peers: &Peers, now: Timestamp) -> Option<Met> {
    let met = in_window(settings, track, now)?;
    let after = track.callers.sums_after(met.since);
    let failed = after.failures();
    let convicts = now.since(met.since) >= settings.hold_after
        && failed >= settings.failures_after
        && failed.saturating_mul(5) >= after.attempts
        && is_more(settings, &after, peers, CERTAIN_Z);
    convicts.then(|| Met {
        what: format!(
            "{failed} of {} failed within {} after the first failure: {}",
            count(after.attempts, "attempt"),
            short(nanos(now.since(met.since))),
            kinds(&after)
        ),
        sums: after,
        since: met.since,
    })
}

/// Callers of whom a fifth or more fail; fewer, where that is certainly more than at the peers, as a gateway that keeps
/// away from failures makes few; or all who came, and more than at the peers.
fn failing(settings: &Settings, track: &Track, peers: &Peers, now: Timestamp) -> Option<Met> {
    let many = |met: &Met| {
        let failed = met.sums.failures();
        let enough = failed >= settings.failures_min
            || (failed >= settings.attempts_min && is_more(settings, &met.sums, peers, CERTAIN_Z));
        enough && failed.saturating_mul(5) >= met.sums.attempts
    };
    let all_fail = |met: &Met| !is_alone(settings, peers) && stands_out(settings, &met.sums, peers);
    in_window(settings, track, now)
        .filter(many)
        .or_else(|| since_first(settings, track, peers, now))
        .or_else(|| in_streak(settings, track, now).filter(all_fail))
}

fn by_failures(
    settings: &Settings,
    track: &Track,
    peers: &Peers,
    now: Timestamp,
) -> Option<Charge> {
    let alone = is_alone(settings, peers);
    let Met { sums, since, what } = failing(settings, track, peers, now)?;
    let stands_out = stands_out(settings, &sums, peers);
    let mut evidence = vec![line(now, "callers", what)];
    let beside = if alone {
        "no peer has enough traffic to compare with".to_owned()
    } else {
        format!("its peers: {}", failures(settings, &peers.callers))
    };
    evidence.push(line(now, "callers", beside));
    let mut charge = Charge {
        class: FailureClass::Unknown,
        weight: 1,
        clears: Clears::Callers,
        onset: since,
        evidence,
    };
    if !alone && !stands_out {
        if sums.failures().saturating_mul(2) < sums.attempts {
            return None;
        }
        let what = "callers fail as often at its peers: a shared cause, not this instance";
        charge.evidence.push(line(now, "callers", what.to_owned()));
        return Some(charge);
    }
    if !track.facts.probed {
        let what = "it has no probe that could agree or disagree";
        charge.evidence.push(line(now, "probe", what.to_owned()));
        return Some(charge);
    }
    let passed = track.probes.last_pass().filter(|_| track.probes.pass())?;
    if passed < since && now.since(since) < settings.hold.saturating_mul(7) {
        return None;
    }
    charge.class = FailureClass::Gray;
    charge.weight = 2;
    let what = "its probes pass: callers and probes disagree".to_owned();
    charge.evidence.push(line(passed, "probe", what));
    Some(charge)
}

fn by_silence(settings: &Settings, track: &Track, peers: &Peers, now: Timestamp) -> Option<Charge> {
    let silence = track.callers.silence()?;
    let came = silence.in_flight.saturating_sub(silence.in_flight_before);
    let enough = came >= settings.stall_in_flight || silence.timed_out >= settings.stall_timeouts;
    if !enough || silence.disconnected > silence.timed_out {
        return None;
    }
    if track
        .probes
        .last_pass()
        .is_some_and(|at| at > silence.since)
    {
        return None;
    }
    let lasted = nanos(now.since(silence.since));
    let (answers, time) = peers.answers;
    if peers.instances == 0 {
        return by_lone_silence(settings, track, &silence, now);
    }
    let usual = time.checked_div(answers).unwrap_or(0);
    let limit = nanos(settings.stall_after).max(usual.saturating_mul(settings.stall_factor));
    if answers < settings.stall_peer_answers || lasted < limit {
        return None;
    }
    let beside = format!(
        "its peers gave {answers} answers meanwhile, in {} on average",
        short(usual)
    );
    Some(stall(
        &silence,
        vec![silent(&silence, now), line(now, "callers", beside)],
    ))
}

/// Without a peer only attempts that did time out count, and only where no probe can tell.
fn by_lone_silence(
    settings: &Settings,
    track: &Track,
    silence: &Silence,
    now: Timestamp,
) -> Option<Charge> {
    if track.facts.probed || silence.timed_out < settings.attempts_min {
        return None;
    }
    let what = "it has no peer and no probe to compare with".to_owned();
    Some(stall(
        silence,
        vec![silent(silence, now), line(now, "callers", what)],
    ))
}

const fn stall(silence: &Silence, evidence: Vec<EvidenceLine>) -> Charge {
    Charge {
        class: FailureClass::Timing,
        weight: 1,
        clears: Clears::Any,
        onset: silence.since,
        evidence,
    }
}

fn silent(silence: &Silence, now: Timestamp) -> EvidenceLine {
    let what = format!(
        "{} wait, {} timed out, none answered for {}; connections are accepted",
        count(silence.in_flight, "attempt"),
        silence.timed_out,
        short(nanos(now.since(silence.since)))
    );
    line(now, "callers", what)
}

/// The gateway compares answers with those of the peers, over many of them and with a bound. What it finds slow, or failing
/// more often, is so to callers and not to probes, which is gray; without a probe nobody can say to whom.
fn by_comparison(track: &Track) -> Option<Charge> {
    let ejection = track
        .ejection
        .as_ref()
        .filter(|ejection| ejection.ground.is_compared())?;
    let mut evidence = vec![ejection.line.clone()];
    let passed = track.probes.last_pass().filter(|_| track.probes.pass());
    let class = match passed {
        Some(passed) => {
            let what = "its probes pass: callers and probes disagree".to_owned();
            evidence.push(line(passed, "probe", what));
            FailureClass::Gray
        }
        None if track.facts.probed => return None,
        None => {
            let what = "it has no probe that could agree or disagree".to_owned();
            evidence.push(line(ejection.line.at, "probe", what));
            FailureClass::Unknown
        }
    };
    Some(Charge {
        class,
        weight: 1,
        clears: Clears::Comparison,
        onset: ejection.line.at,
        evidence,
    })
}

fn by_its_word(settings: &Settings, track: &Track) -> Option<Charge> {
    let row = track.probes.live();
    if row.refused < settings.unwell_in_a_row {
        return None;
    }
    let what = format!(
        "live probe was answered \"not well\" {} in a row ({}); it does not say why",
        times(row.refused),
        row.said
    );
    Some(Charge {
        class: FailureClass::Unknown,
        weight: 1,
        clears: Clears::Probes,
        onset: onset(settings, track, row),
        evidence: vec![line(row.last.unwrap_or_default(), "probe", what)],
    })
}

fn failures(settings: &Settings, sums: &CallerReport) -> String {
    format!(
        "{} of {} failed within {}: {}",
        sums.failures(),
        count(sums.attempts, "attempt"),
        short(nanos(settings.callers_window)),
        kinds(sums)
    )
}

fn kinds(sums: &CallerReport) -> String {
    format!(
        "{} not connected, {} reset, {} timed out, {} answered 5xx",
        sums.connect_failed, sums.reset, sums.timed_out, sums.server_errors
    )
}

fn times(n: u32) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
