use std::fmt::Write;

use ninefold_core::event::{EvidenceLine, ImpactEnd, Incident, IncidentState, Opinion};
use ninefold_core::taxonomy::FailureClass;
use ninefold_core::time::{Timestamp, nanos, short};

/// The answers as text of a few dozen lines, without colours. `now` is used for what goes on.
#[must_use]
pub fn explain(incident: &Incident, now: Timestamp) -> String {
    let mut out = Text(String::new());
    head(&mut out, incident, now);
    harm(&mut out, incident);
    origin(&mut out, incident);
    cause(&mut out, incident);
    opinions(&mut out, incident);
    timeline(&mut out, incident, now);
    out.0
}

/// What is thought of one subject, for who asks about it.
#[must_use]
pub fn explain_opinion(opinion: &Opinion, now: Timestamp) -> String {
    let mut out = Text(String::new());
    let lasts = short(nanos(now.since(opinion.since)));
    out.line(format_args!("{opinion}, for {lasts}"));
    if let Some(together) = &opinion.together {
        out.line(format_args!(
            "began within seconds of others that share {together}"
        ));
    }
    out.line(format_args!(
        "\nWho saw what, and how far it moves the odds (+10 dB is ten to one)"
    ));
    for line in &opinion.evidence {
        let ago = short(nanos(now.since(line.at)));
        out.line(format_args!("  {ago:>9} ago  {}", line.what));
    }
    if !opinion.questions.is_empty() {
        out.line(format_args!("\nWhat would tell more"));
    }
    for question in &opinion.questions {
        out.line(format_args!("  {question}"));
    }
    out.0
}

struct Text(String);

impl Text {
    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        if writeln!(self.0, "{}", text).is_err() {
            self.0.push('\n');
        }
    }
}

fn head(out: &mut Text, incident: &Incident, now: Timestamp) {
    let state = match (incident.state, &incident.merged_into) {
        (_, Some(other)) => format!("merged into {other}, which has the same cause"),
        (IncidentState::Open, None) => {
            format!("goes on for {}", short(nanos(now.since(incident.onset))))
        }
        (IncidentState::Closed, None) => match incident.time_to_recover() {
            Some(time) => format!("over after {}", short(nanos(time))),
            None => "over".to_owned(),
        },
    };
    out.line(format_args!(
        "{}: {} in {}, {state}",
        incident.id, incident.class, incident.domain
    ));
    match &incident.injected {
        Some(fault) => injected(out, incident, fault),
        None => out.line(format_args!(
            "Not injected: no announced fault explains it."
        )),
    }
}

fn injected(out: &mut Text, incident: &Incident, fault: &str) {
    let mut said = format!("Injected on purpose: fault {fault}");
    if let Some(injection) = &incident.injection {
        let by = if injection.in_gateway {
            ", by the gateway"
        } else {
            ""
        };
        said.push_str(&format!(", {}{by}", injection.kind));
        if let Some(claim) = &injection.claim {
            said.push_str(&format!(", for the claim `{claim}`"));
        }
        if let Some(end) = &injection.ended {
            let at = offset(incident, end.at);
            said.push_str(&format!("; over {at} ({})", end.how));
        }
    }
    out.line(format_args!("{said}."));
}

/// What a fault in the gateway hit. Not all of it fails an attempt: who is only late is not hurt.
fn hits(out: &mut Text, incident: &Incident) {
    let by_gateway = incident.injection.as_ref().filter(|how| how.in_gateway);
    match by_gateway.map(|injection| &injection.ended) {
        None => {}
        Some(None) => out.line(format_args!(
            "  The fault goes on; what it hits is told when it ends."
        )),
        Some(Some(end)) => {
            if let Some(hits) = end.hits {
                out.line(format_args!("  The fault hit {hits}."));
            }
        }
    }
}

fn harm(out: &mut Text, incident: &Incident) {
    out.line(format_args!("\nWho is hurt, and how badly?"));
    let (hurt, masked) = (incident.hurt(), incident.masked());
    let by_gateway = incident
        .injection
        .as_ref()
        .is_some_and(|how| how.in_gateway);
    let sentence = match (hurt, masked) {
        (0, 0) if by_gateway => "Nobody: no request failed, and none needed a retry.".to_owned(),
        (0, 0) => "Nobody: no request met it.".to_owned(),
        (0, masked) => format!(
            "Nobody: {} met it and succeeded by a retry elsewhere.",
            requests(masked)
        ),
        (hurt, 0) => format!("{} failed; none was saved by a retry.", requests(hurt)),
        (hurt, masked) => format!(
            "{} failed; {} met it and succeeded by a retry elsewhere.",
            requests(hurt),
            requests(masked)
        ),
    };
    out.line(format_args!("  {sentence}"));
    misled(out, incident);
    hits(out, incident);
    let widths = incident.impact.iter().map(|impact| impact.route.len());
    let width = widths.max().unwrap_or(0).max(5);
    if !incident.impact.is_empty() {
        out.line(format_args!(
            "  {:width$}  {:>9}  {:>9}",
            "route", "hurt", "masked"
        ));
    }
    for impact in &incident.impact {
        out.line(format_args!(
            "  {:width$}  {:>9}  {:>9}",
            impact.route, impact.hurt, impact.masked
        ));
        for end in &impact.ends {
            let ImpactEnd {
                by,
                phase,
                cause,
                requests,
                trace_id,
            } = end;
            let trace = trace_id.as_ref();
            let trace = trace.map_or_else(String::new, |trace| format!(", as trace {trace}"));
            out.line(format_args!(
                "  {:width$}  {requests:>9}  ended by {by} in {phase}: {cause}{trace}",
                ""
            ));
        }
    }
}

/// A wrong answer is no failed request, and counts nowhere.
fn misled(out: &mut Text, incident: &Incident) {
    let verdicts = incident.verdicts.iter();
    for verdict in verdicts.filter(|verdict| verdict.class == FailureClass::Byzantine) {
        out.line(format_args!(
            "  Whom {} answered until it was isolated may have been told what is wrong; no status shows whom.",
            verdict.instance
        ));
    }
}

fn requests(count: u64) -> String {
    format!("{count} request{}", if count == 1 { "" } else { "s" })
}

fn origin(out: &mut Text, incident: &Incident) {
    out.line(format_args!("\nWhere did it start?"));
    out.line(format_args!(
        "  In {}, at {} (the earliest moment the evidence allows).",
        incident.domain, incident.onset
    ));
    for verdict in incident
        .verdicts
        .iter()
        .filter(|_| incident.verdicts.len() > 1)
    {
        out.line(format_args!(
            "  {} {:>9}  {}",
            offset(incident, verdict.onset),
            verdict.instance,
            verdict.class
        ));
    }
}

fn cause(out: &mut Text, incident: &Incident) {
    out.line(format_args!("\nWhat changed, and which failure is it?"));
    out.line(format_args!(
        "  {}: {}.",
        incident.class,
        meaning(incident.class)
    ));
    if incident.changes.is_empty() {
        out.line(format_args!(
            "  Nothing that Ninefold knows of changed before."
        ));
    } else {
        out.line(format_args!("  Changed before:"));
        lines(out, incident, &incident.changes);
    }
    for verdict in &incident.verdicts {
        out.line(format_args!(
            "  Evidence that {} is {}:",
            verdict.instance, verdict.class
        ));
        lines(out, incident, &verdict.evidence);
    }
}

/// How sure it is, and who saw what.
fn opinions(out: &mut Text, incident: &Incident) {
    if incident.opinions.is_empty() {
        return;
    }
    out.line(format_args!("\nHow sure is that, and who saw it?"));
    for opinion in &incident.opinions {
        out.line(format_args!("  {opinion}:"));
        lines(out, incident, &opinion.evidence);
        for question in &opinion.questions {
            out.line(format_args!("    not known: {question}"));
        }
    }
}

const fn meaning(class: FailureClass) -> &'static str {
    match class {
        FailureClass::CrashStop => "the process exited",
        FailureClass::CrashRecovery => "the process exits again and again",
        FailureClass::Omission => {
            "it lives, and what is sent to it is lost: connections are refused or reset"
        }
        FailureClass::Timing => {
            "a hang or a stall: it lives and is connected, and answers are late or never come"
        }
        FailureClass::Byzantine => "it answers in time and wrongly",
        FailureClass::Correlated => "several instances failed together, for one reason",
        FailureClass::Gray => "its health checks pass, and its callers fail",
        FailureClass::Unknown => "something is wrong, and the evidence does not say what",
    }
}

fn timeline(out: &mut Text, incident: &Incident, now: Timestamp) {
    out.line(format_args!("\nTimeline"));
    let pending = |at: Option<Timestamp>| match at {
        Some(at) => offset(incident, at),
        None if incident.state == IncidentState::Open => {
            format!("not after {}", short(nanos(now.since(incident.onset))))
        }
        None => "not seen".to_owned(),
    };
    out.line(format_args!("  onset      {}", incident.onset));
    out.line(format_args!(
        "  detected   {}",
        offset(incident, incident.detected)
    ));
    out.line(format_args!("  isolated   {}", pending(incident.isolated)));
    out.line(format_args!("  recovered  {}", pending(incident.recovered)));
    if incident.actions.is_empty() {
        out.line(format_args!("  Nothing was done about it."));
    } else {
        out.line(format_args!("  What was done:"));
        lines(out, incident, &incident.actions);
    }
    quarantined(out, incident);
}

/// Who answers wrongly is not restarted, so somebody has to be told.
fn quarantined(out: &mut Text, incident: &Incident) {
    if incident.state == IncidentState::Closed {
        return;
    }
    let verdicts = incident.verdicts.iter();
    for verdict in verdicts.filter(|verdict| verdict.class == FailureClass::Byzantine) {
        let instance = &verdict.instance;
        out.line(format_args!(
            "  {instance} runs on as it is, for a person to find out why and decide: `ninefold readmit {instance}` takes it back, and so does a new process."
        ));
    }
}

fn lines(out: &mut Text, incident: &Incident, lines: &[EvidenceLine]) {
    for line in lines {
        out.line(format_args!(
            "    {:>11}  {:<10}  {}",
            offset(incident, line.at),
            line.observer,
            line.what
        ));
    }
}

/// The time from the onset, with its sign.
fn offset(incident: &Incident, at: Timestamp) -> String {
    if at >= incident.onset {
        format!("+{}", short(nanos(at.since(incident.onset))))
    } else {
        format!("-{}", short(nanos(incident.onset.since(at))))
    }
}

#[cfg(test)]
mod tests;
