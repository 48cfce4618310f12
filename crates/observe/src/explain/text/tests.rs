use expect_test::expect;
use ninefold_core::event::{ImpactEnd, Injection, InjectionEnd, RouteImpact, Verdict};
use ninefold_core::fault::FaultHits;
use ninefold_core::id::InstanceId;

use super::*;

const ONSET: u64 = 1_795_489_301_000;

fn line(after_ms: i64, observer: &str, what: &str) -> EvidenceLine {
    let at = Timestamp::from_millis(ONSET.checked_add_signed(after_ms).unwrap());
    EvidenceLine {
        at,
        observer: observer.to_owned(),
        what: what.to_owned(),
    }
}

fn end(by: &str, phase: &str, cause: &str, requests: u64) -> ImpactEnd {
    ImpactEnd {
        by: by.to_owned(),
        phase: phase.to_owned(),
        cause: cause.to_owned(),
        requests,
        trace_id: (by == "upstream").then(|| "4bf92f3577b34da6a3ce929d0e0e4736".to_owned()),
    }
}

fn verdict(ordinal: u32, class: FailureClass) -> Verdict {
    Verdict {
        instance: InstanceId::new("catalog", ordinal),
        class,
        onset: Timestamp::from_millis(ONSET),
        detected: Timestamp::from_millis(ONSET + 3),
        evidence: vec![line(
            3,
            "supervisor",
            "process 42 ended: killed by SIGKILL; nobody asked for it",
        )],
    }
}

fn incident() -> Incident {
    Incident {
        id: "inc-7".to_owned(),
        class: FailureClass::CrashStop,
        state: IncidentState::Closed,
        domain: "instance catalog/1".to_owned(),
        verdicts: vec![verdict(1, FailureClass::CrashStop)],
        injected: Some("kill-1".to_owned()),
        injection: Some(Injection {
            kind: "kill".to_owned(),
            claim: Some("any one may die".to_owned()),
            in_gateway: false,
            ended: None,
        }),
        onset: Timestamp::from_millis(ONSET),
        detected: Timestamp::from_millis(ONSET + 3),
        isolated: Some(Timestamp::from_millis(ONSET + 4)),
        recovered: Some(Timestamp::from_millis(ONSET + 512)),
        opinions: Vec::new(),
        impact: vec![
            RouteImpact {
                route: "/".to_owned(),
                hurt: 0,
                masked: 37,
                ends: Vec::new(),
            },
            RouteImpact {
                route: "/checkout".to_owned(),
                hurt: 3,
                masked: 4,
                ends: vec![
                    end("upstream", "wait", "reset", 2),
                    end("gateway", "route", "no-endpoint", 1),
                ],
            },
        ],
        changes: vec![line(
            -20,
            "chaos",
            "fault kill-1 announced: kill on catalog/1",
        )],
        actions: vec![line(4, "ninefold", "action: start catalog/1: it exited")],
        merged_into: None,
    }
}

#[test]
fn a_closed_incident_answers_all_three_questions() {
    let now = Timestamp::from_millis(ONSET + 60_000);
    expect![[r#"
        inc-7: crash-stop in instance catalog/1, over after 512.0 ms
        Injected on purpose: fault kill-1, kill, for the claim `any one may die`.

        Who is hurt, and how badly?
          3 requests failed; 41 requests met it and succeeded by a retry elsewhere.
          route           hurt     masked
          /                  0         37
          /checkout          3          4
                             2  ended by upstream in wait: reset, as trace 4bf92f3577b34da6a3ce929d0e0e4736
                             1  ended by gateway in route: no-endpoint

        Where did it start?
          In instance catalog/1, at 2026-11-24T03:01:41.000Z (the earliest moment the evidence allows).

        What changed, and which failure is it?
          crash-stop: the process exited.
          Changed before:
               -20.0 ms  chaos       fault kill-1 announced: kill on catalog/1
          Evidence that catalog/1 is crash-stop:
                +3.0 ms  supervisor  process 42 ended: killed by SIGKILL; nobody asked for it

        Timeline
          onset      2026-11-24T03:01:41.000Z
          detected   +3.0 ms
          isolated   +4.0 ms
          recovered  +512.0 ms
          What was done:
                +4.0 ms  ninefold    action: start catalog/1: it exited
    "#]].assert_eq(&explain(&incident(), now));
}

#[test]
fn an_open_correlated_incident_says_what_is_missing() {
    let mut open = incident();
    open.class = FailureClass::Correlated;
    open.state = IncidentState::Open;
    open.domain = "zone b".to_owned();
    open.verdicts.push(verdict(2, FailureClass::Timing));
    open.injected = None;
    open.injection = None;
    open.isolated = None;
    open.recovered = None;
    open.impact.clear();
    open.changes.clear();
    open.actions.clear();
    let now = Timestamp::from_millis(ONSET + 2_500);
    expect![[r#"
        inc-7: correlated in zone b, goes on for 2.50 s
        Not injected: no announced fault explains it.

        Who is hurt, and how badly?
          Nobody: no request met it.

        Where did it start?
          In zone b, at 2026-11-24T03:01:41.000Z (the earliest moment the evidence allows).
          +0 us catalog/1  crash-stop
          +0 us catalog/2  timing

        What changed, and which failure is it?
          correlated: several instances failed together, for one reason.
          Nothing that Ninefold knows of changed before.
          Evidence that catalog/1 is crash-stop:
                +3.0 ms  supervisor  process 42 ended: killed by SIGKILL; nobody asked for it
          Evidence that catalog/2 is timing:
                +3.0 ms  supervisor  process 42 ended: killed by SIGKILL; nobody asked for it

        Timeline
          onset      2026-11-24T03:01:41.000Z
          detected   +3.0 ms
          isolated   not after 2.50 s
          recovered  not after 2.50 s
          Nothing was done about it.
    "#]]
    .assert_eq(&explain(&open, now));
}

/// One that only delays hurts nobody and needs no retry, and is not "no request met it".
#[test]
fn a_fault_in_the_gateway_says_what_it_hit_and_how_that_ended() {
    let mut gray = incident();
    gray.class = FailureClass::Timing;
    gray.injected = Some("f-1".to_owned());
    gray.injection = Some(Injection {
        kind: "gray".to_owned(),
        claim: None,
        in_gateway: true,
        ended: None,
    });
    gray.impact.clear();
    gray.changes.clear();
    gray.verdicts.clear();
    let begins = |incident: &Incident| {
        let text = explain(incident, Timestamp::from_millis(ONSET));
        let (begins, _) = text.split_once("\n\nWhere").unwrap();
        begins.to_owned()
    };
    expect![[r#"
        inc-7: timing in instance catalog/1, over after 512.0 ms
        Injected on purpose: fault f-1, gray, by the gateway.

        Who is hurt, and how badly?
          Nobody: no request failed, and none needed a retry.
          The fault goes on; what it hits is told when it ends."#]]
    .assert_eq(&begins(&gray));
    gray.injection.as_mut().unwrap().ended = Some(InjectionEnd {
        at: Timestamp::from_millis(ONSET + 3_000),
        how: "rolled back".to_owned(),
        hits: Some(FaultHits {
            requests: 41,
            ok: 40,
            failed: 0,
            other: 1,
        }),
    });
    expect![[r#"
        inc-7: timing in instance catalog/1, over after 512.0 ms
        Injected on purpose: fault f-1, gray, by the gateway; over +3.00 s (rolled back).

        Who is hurt, and how badly?
          Nobody: no request failed, and none needed a retry.
          The fault hit 41 requests: 40 answered, 1 given up or refused."#]]
    .assert_eq(&begins(&gray));
}

#[test]
fn a_merged_incident_points_to_the_other() {
    let mut merged = incident();
    merged.merged_into = Some("inc-6".to_owned());
    let text = explain(&merged, Timestamp::from_millis(ONSET));
    assert!(text.starts_with("inc-7: crash-stop in instance catalog/1, merged into inc-6"));
}
