//! The forms of a report.

use std::time::Duration;

use expect_test::expect;
use ninefold_chaos::{Away, ClaimReport, Readback, Report, Requests, TrialReport, Verdict};
use ninefold_core::id::InstanceId;
use ninefold_core::taxonomy::FailureClass;
use ninefold_core::time::Timestamp;

fn trial(number: u32, verdict: Verdict, reasons: &[&str]) -> TrialReport {
    TrialReport {
        number,
        seed: 40 + u64::from(number),
        fault: format!("f-1-{number}"),
        targets: vec![InstanceId::new("web", number)],
        nodes: Vec::new(),
        verdict,
        reasons: reasons.iter().map(ToString::to_string).collect(),
        notes: Vec::new(),
        injected: Some(Timestamp::from_secs(1_795_489_301)),
        detect: Some(Duration::from_micros(12_340)),
        class: Some(FailureClass::CrashStop),
        recover: Some(Duration::from_millis(800)),
        away: Away::default(),
        requests: Requests {
            sent: 200,
            acked: 198,
            failed: 1,
            unknown: 1,
            masked: 3,
            hit: 2,
            wrong: 0,
        },
        latency: None,
        lost: Some(Readback::default()),
    }
}

fn claim(name: &str, verdict: Verdict, trials: Vec<TrialReport>) -> ClaimReport {
    ClaimReport {
        name: name.to_owned(),
        survive: "1 instance of web killed".to_owned(),
        verdict,
        reasons: match verdict {
            Verdict::Proven => Vec::new(),
            _ => vec!["trial 1 (seed 41) on web/1: 3 < 5 & <b>\u{1}".to_owned()],
        },
        declared_available: 0.999,
        declared_recover: Some(Duration::from_secs(2)),
        declared_lose: None,
        asked: 2,
        trials,
        replay: "ninefold verify shop.toml --claim 'a | b' --trials 1 --seed 41".to_owned(),
    }
}

fn report() -> Report {
    let passed = vec![
        trial(1, Verdict::Proven, &[]),
        trial(2, Verdict::Proven, &[]),
    ];
    let failed = vec![trial(1, Verdict::Refuted, &["x"])];
    Report {
        claims: vec![
            claim("one may die", Verdict::Proven, passed),
            claim("a | b", Verdict::Refuted, failed),
            claim("outside", Verdict::Untested, Vec::new()),
        ],
        seed: 7,
        file: "shop.toml".to_owned(),
        began: Timestamp::from_secs(1_795_489_300),
        took: Duration::from_millis(12_340),
        refused: None,
        notes: Vec::new(),
    }
}

#[test]
fn text() {
    expect![[r#"
        CLAIM        VERDICT      AVAILABLE           DETECT p50/p99   RECOVER p50/p99                 LATENCY p50/p99  ACKED/FAILED/UNKNOWN (MASKED)
        one may die  PROVEN 2/2   99.497% (>= 99.9%)  12.3 ms/12.3 ms  800.0 ms/800.0 ms (<= 2.000 s)  -                396/2/2 (6)
        a | b        REFUTED 0/1  99.497% (>= 99.9%)  12.3 ms/12.3 ms  800.0 ms/800.0 ms (<= 2.000 s)  -                198/1/1 (3)
        outside      UNTESTED     -                   -                - (<= 2.000 s)                  -                -

        REFUTED: a | b
          trial 1 (seed 41) on web/1: 3 < 5 & <b>
          replay: ninefold verify shop.toml --claim 'a | b' --trials 1 --seed 41

        UNTESTED: outside
          trial 1 (seed 41) on web/1: 3 < 5 & <b>
          replay: ninefold verify shop.toml --claim 'a | b' --trials 1 --seed 41

        seed 7, 12.3 s
    "#]].assert_eq(&report().to_text());
}

#[test]
fn markdown() {
    expect![[r#"
        # Claims

        `shop.toml`, 2026-11-24T03:01:40.000Z, seed 7, 12.3 s

        | claim | verdict | available | detect p50/p99 | recover p50/p99 | latency p50/p99 | acked/failed/unknown (masked) |
        |---|---|---|---|---|---|---|
        | one may die | PROVEN 2/2 | 99.497% (>= 99.9%) | 12.3 ms/12.3 ms | 800.0 ms/800.0 ms (\<= 2.000 s) | - | 396/2/2 (6) |
        | a \| b | REFUTED 0/1 | 99.497% (>= 99.9%) | 12.3 ms/12.3 ms | 800.0 ms/800.0 ms (\<= 2.000 s) | - | 198/1/1 (3) |
        | outside | UNTESTED | - | - | - (\<= 2.000 s) | - | - |

        ## PROVEN: one may die

        1 instance of web killed


        | trial | seed | targets | verdict | detected | class | recovered |
        |---|---|---|---|---|---|---|
        | 1 | 41 | web/1 | PROVEN | 12.34 ms | crash-stop | 800 ms |
        | 2 | 42 | web/2 | PROVEN | 12.34 ms | crash-stop | 800 ms |

        ```sh
        ninefold verify shop.toml --claim 'a | b' --trials 1 --seed 41
        ```

        ## REFUTED: a \| b

        1 instance of web killed

        - trial 1 (seed 41) on web/1: 3 \< 5 & \<b>

        | trial | seed | targets | verdict | detected | class | recovered |
        |---|---|---|---|---|---|---|
        | 1 | 41 | web/1 | REFUTED | 12.34 ms | crash-stop | 800 ms |

        ```sh
        ninefold verify shop.toml --claim 'a | b' --trials 1 --seed 41
        ```

        ## UNTESTED: outside

        1 instance of web killed

        - trial 1 (seed 41) on web/1: 3 \< 5 & \<b>

        ```sh
        ninefold verify shop.toml --claim 'a | b' --trials 1 --seed 41
        ```
    "#]].assert_eq(&report().to_markdown());
}

#[test]
fn junit() {
    expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuite name="ninefold verify" tests="3" failures="1" errors="0" skipped="1" timestamp="2026-11-24T03:01:40.000Z" time="12.340">
          <testcase classname="shop.toml" name="one may die"/>
          <testcase classname="shop.toml" name="a | b">
            <failure type="REFUTED" message="trial 1 (seed 41) on web/1: 3 &lt; 5 &amp; &lt;b&gt;">trial 1 (seed 41) on web/1: 3 &lt; 5 &amp; &lt;b&gt;
        replay: ninefold verify shop.toml --claim &apos;a | b&apos; --trials 1 --seed 41</failure>
          </testcase>
          <testcase classname="shop.toml" name="outside">
            <skipped type="UNTESTED" message="trial 1 (seed 41) on web/1: 3 &lt; 5 &amp; &lt;b&gt;">trial 1 (seed 41) on web/1: 3 &lt; 5 &amp; &lt;b&gt;
        replay: ninefold verify shop.toml --claim &apos;a | b&apos; --trials 1 --seed 41</skipped>
          </testcase>
        </testsuite>
    "#]].assert_eq(&report().to_junit());
}

#[test]
fn json_has_the_documented_shape() {
    let json = report().to_json();
    let first = &json["claims"][0];
    assert_eq!(first["name"], "one may die");
    assert_eq!(first["verdict"], "PROVEN");
    assert_eq!(
        first["trials"],
        serde_json::json!({ "passed": 2, "total": 2 })
    );
    assert_eq!(first["availability"], 396.0 / 398.0);
    assert_eq!(
        first["detect_ms"],
        serde_json::json!({ "p50": 12.34, "p99": 12.34 })
    );
    assert_eq!(
        first["recover_ms"],
        serde_json::json!({ "p50": 800.0, "p99": 800.0 })
    );
    assert_eq!(
        first["requests"],
        serde_json::json!({ "sent": 400, "acked": 396, "failed": 2, "wrong": 0, "unknown": 2, "masked": 6, "hit": 4 })
    );
    let last = &json["claims"][2];
    assert_eq!(last["verdict"], "UNTESTED");
    assert!(last["availability"].is_null() && last["detect_ms"]["p50"].is_null());
    assert_eq!(
        last["trials"],
        serde_json::json!({ "passed": 0, "total": 0 })
    );
    assert_eq!(json["exit_code"], 1);
}

#[test]
fn exit_codes() {
    let with = |verdicts: &[Verdict]| {
        let mut report = report();
        report.claims = verdicts
            .iter()
            .map(|v| claim("c", *v, Vec::new()))
            .collect();
        report.exit_code()
    };
    use Verdict::{Inconclusive, Proven, Refuted, Untested};
    assert_eq!(with(&[Proven, Proven]), 0);
    assert_eq!(with(&[Proven, Inconclusive, Refuted]), 1);
    assert_eq!(with(&[Proven, Untested]), 3);
    assert_eq!(with(&[Inconclusive]), 3);
    assert_eq!(with(&[]), 3);
    let mut refused = report();
    refused.refused = Some("why".to_owned());
    assert_eq!(refused.exit_code(), 4);
}

#[test]
fn what_became_of_wrong_answers_has_a_line_of_its_own() {
    let mut trial = trial(1, Verdict::Proven, &[]);
    trial.class = Some(FailureClass::Byzantine);
    trial.requests.wrong = 1;
    trial.away = Away {
        convicted: trial.detect,
        isolated: Some(Duration::from_millis(15)),
        failed_after: Some(0),
        rejoined: None,
    };
    let mut report = report();
    report.claims = vec![claim("one may lie", Verdict::Proven, vec![trial])];
    let line = "one may lie: wrong answers to 1 requests, convicted after 12.3 ms/12.3 ms, in quarantine \
                after 15.0 ms/15.0 ms, 0 failed after that";
    for text in [report.to_text(), report.to_markdown()] {
        assert!(text.contains(line), "{text}");
    }
}
