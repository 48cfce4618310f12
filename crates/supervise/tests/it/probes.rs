//! Readiness, liveness, hangs, external endpoints.

use ninefold_config::model::{Check, Endpoint, External, Health, Probe, ServiceKind, Span};
use ninefold_core::event::EventKind;
use ninefold_core::id::InstanceId;
use ninefold_core::observation::{ProbeKind, ProbeOutcome, Seen};
use ninefold_core::status::InstanceState;
use rustix::process::Signal;

use crate::file::{file, http, ready, service, supervised, with};
use crate::rig::{Rig, example, folder, get, signal};

#[tokio::test]
async fn readiness_decides_about_traffic_and_nothing_else() {
    let folder = folder();
    let web = supervised(&[&example("service"), "{address}"]);
    let rig = Rig::start(&folder, with(file(folder.path()), "web", web, ready())).await;
    let before = rig.is(0, InstanceState::Ready).await;
    let address = rig.address(0);
    get(address, "/fail").await.unwrap();
    let status = rig.is(0, InstanceState::NotReady).await;
    let reason = status.reason.unwrap();
    assert_eq!(reason, "ready probe: status 503, 2 in a row");
    assert!(!rig.supervisor.endpoints()[0].admitted);
    get(address, "/heal").await.unwrap();
    let after = rig.is(0, InstanceState::Ready).await;
    assert_eq!((after.pid, after.restarts), (before.pid, 0));
    let refused = ProbeOutcome::Refused("status 503".into());
    let saw = |kind, outcome| {
        let found = |seen: &Seen| matches!(seen, Seen::Probe { kind: k, outcome: o, alive: Some(true), .. } if *k == kind && *o == outcome);
        rig.seen().iter().any(found)
    };
    assert!(saw(ProbeKind::Ready, refused) && saw(ProbeKind::Ready, ProbeOutcome::Passed));
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn who_says_that_it_is_degraded_stays_ready() {
    let folder = folder();
    let web = supervised(&[&example("service"), "{address}"]);
    let rig = Rig::start(&folder, with(file(folder.path()), "web", web, ready())).await;
    rig.is(0, InstanceState::Ready).await;
    let address = rig.address(0);
    let degraded = |yes: bool| {
        let endpoint = rig.supervisor.endpoints().remove(0);
        assert!(endpoint.admitted);
        endpoint.degraded == yes
    };
    get(address, "/degrade").await.unwrap();
    rig.until("it says so", || degraded(true)).await;
    let reason = rig.is(0, InstanceState::Ready).await.reason;
    assert_eq!(
        reason.as_deref(),
        Some("says that it is degraded: cold cache")
    );
    get(address, "/recover").await.unwrap();
    rig.until("it says so", || degraded(false)).await;
    assert_eq!(rig.is(0, InstanceState::Ready).await.reason, None);
    let notices = rig.events().into_iter().filter_map(|event| match event {
        EventKind::Notice { text } => Some(text),
        _ => None,
    });
    assert_eq!(
        notices.collect::<Vec<_>>(),
        [
            "web/0 says that it is degraded: cold cache; it takes what the others cannot",
            "web/0 is degraded no longer",
        ]
    );
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn a_hung_process_is_described_killed_and_replaced() {
    let folder = folder();
    let web = supervised(&[&example("service"), "{address}"]);
    let health = Health {
        live: Some(http("/live")),
        ..ready()
    };
    let rig = Rig::start(&folder, with(file(folder.path()), "web", web, health)).await;
    let before = rig.is(0, InstanceState::Ready).await;
    signal(before.pid.unwrap(), Signal::STOP);
    rig.is_back(0, &before).await;
    let stopped = |seen: &Seen| {
        matches!(
            seen,
            Seen::Probe {
                outcome: ProbeOutcome::TimedOut,
                alive: Some(true),
                stopped: true,
                ..
            }
        )
    };
    assert!(rig.seen().iter().any(stopped));
    let events = rig.events();
    let position = |found: &dyn Fn(&EventKind) -> bool| events.iter().position(found).unwrap();
    let notice =
        position(&|e| matches!(e, EventKind::Notice { text } if text.contains("State: T")));
    let action = position(&|e| matches!(e, EventKind::Action { action, .. } if action == "kill"));
    let exit = position(&|e| matches!(e, EventKind::InstanceExited { expected: true, .. }));
    assert!(notice < action && action < exit);
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn a_bad_answer_to_liveness_is_asked_to_stop_and_restarted() {
    let folder = folder();
    let web = supervised(&[&example("service"), "{address}"]);
    let health = Health {
        ready: Some(http("/")),
        live: Some(http("/live")),
        ..Health::default()
    };
    let rig = Rig::start(&folder, with(file(folder.path()), "web", web, health)).await;
    let before = rig.is(0, InstanceState::Ready).await;
    get(rig.address(0), "/fail").await.unwrap();
    rig.is_back(0, &before).await;
    assert_eq!(rig.recorded("exited as asked"), 1);
    assert_eq!(rig.recorded("killed by SIGTERM"), 1);
    assert_eq!(rig.recorded("action: kill"), 0);
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn what_never_starts_is_evidence() {
    let folder = folder();
    let web = supervised(&["sleep", "1000"]);
    let health = Health {
        startup: Some(http("/ready")),
        ..Health::default()
    };
    let rig = Rig::start(&folder, with(file(folder.path()), "web", web, health)).await;
    let unready = |seen: &Seen| {
        let Seen::Unready { probe, .. } = seen else {
            return false;
        };
        probe.as_ref().is_some_and(|probe| {
            probe.kind == ProbeKind::Startup
                && matches!(probe.outcome, ProbeOutcome::Unreachable(_))
        })
    };
    rig.until("it was started and given up twice", || {
        rig.seen().iter().filter(|seen| unready(seen)).count() >= 2
    })
    .await;
    assert!(rig.recorded("web/0 not ready: never since its start") >= 2);
    rig.supervisor.stop().await;
}

/// Whatever a probe leaves in the background, its output open or closed, would come again with
/// every try.
#[tokio::test]
async fn an_exec_probe_leaves_nothing_behind() {
    let folder = folder();
    for (name, output) in [("open", ""), ("closed", " >/dev/null 2>&1")] {
        let web = supervised(&[&example("service"), "{address}"]);
        let pids = folder.path().join(name);
        let command = format!("sleep 1000{output} & echo $! >> {}", pids.display());
        let health = Health {
            ready: Some(Probe {
                every: Span::millis(50),
                ..Probe::new(Check::Exec {
                    command: crate::file::shell(&command),
                })
            }),
            ..Health::default()
        };
        let rig = Rig::start(&folder, with(file(folder.path()), "web", web, health)).await;
        rig.is(0, InstanceState::Ready).await;
        let tries = || {
            let text = std::fs::read_to_string(&pids).unwrap_or_default();
            let lines = text.lines().map(str::to_owned);
            lines.collect::<Vec<_>>()
        };
        rig.until("it is tried", || tries().len() >= 4).await;
        rig.supervisor.stop().await;
        let left = || {
            tries()
                .iter()
                .any(|pid| crate::rig::lives(pid.parse().unwrap()))
        };
        rig.until("all are gone", || !left()).await;
    }
}

#[tokio::test]
async fn startup_gates_the_others() {
    let folder = folder();
    let script = format!(
        "while ! test -e go; do sleep 0.05; done; exec {} $0",
        example("service")
    );
    let web = supervised(&["sh", "-c", &script, "{address}"]);
    let startup = Probe {
        failures: 600,
        ..http("/startup")
    };
    let health = Health {
        startup: Some(startup),
        ready: Some(http("/ready")),
        live: Some(http("/live")),
    };
    let rig = Rig::start(&folder, with(file(folder.path()), "web", web, health)).await;
    let failed = |seen: &Seen| {
        matches!(
            seen,
            Seen::Probe {
                failures_in_a_row: 10..,
                ..
            }
        )
    };
    rig.until("startup failed ten times", || rig.seen().iter().any(failed))
        .await;
    let gated =
        |seen: &Seen| !matches!(seen, Seen::Probe { kind, .. } if *kind != ProbeKind::Startup);
    assert!(rig.seen().iter().all(gated));
    assert_eq!(rig.status(0).state, InstanceState::Starting);
    std::fs::write(folder.path().join("go"), "").unwrap();
    let status = rig.is(0, InstanceState::Ready).await;
    assert_eq!(status.restarts, 0);
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn without_probes_a_connection_is_enough() {
    let folder = folder();
    let web = supervised(&[&example("service"), "{address}"]);
    let config = with(file(folder.path()), "web", web, Health::default());
    let rig = Rig::start(&folder, config).await;
    rig.is(0, InstanceState::Ready).await;
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn exec_probes_judge_by_status_and_are_killed_when_late() {
    let folder = folder();
    let exec = |script: &str| Probe {
        every: Span::millis(300),
        timeout: Span::millis(300),
        failures: 1,
        ..Probe::new(Check::Exec {
            command: ["sh", "-c", script, "{port}"].map(Into::into).to_vec(),
        })
    };
    let script = "test $0 = $PORT || exit 9; test -e slow && sleep 1000; echo why; test -e good";
    let web = supervised(&["sleep", "1001"]);
    let health = Health {
        ready: Some(exec(script)),
        ..Health::default()
    };
    let rig = Rig::start(&folder, with(file(folder.path()), "web", web, health)).await;
    let outcome = |wanted: &ProbeOutcome| {
        let found = |seen: &Seen| matches!(seen, Seen::Probe { outcome, .. } if outcome == wanted);
        rig.seen().iter().any(found)
    };
    let refused = ProbeOutcome::Refused("exit status: 1: why".into());
    rig.until("it is refused", || outcome(&refused)).await;
    std::fs::write(folder.path().join("good"), "").unwrap();
    rig.is(0, InstanceState::Ready).await;
    std::fs::write(folder.path().join("slow"), "").unwrap();
    rig.is(0, InstanceState::NotReady).await;
    assert!(outcome(&ProbeOutcome::TimedOut));
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn an_external_endpoint_is_probed_and_never_started() {
    let folder = folder();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let kind = ServiceKind::External(External {
        endpoints: vec![Endpoint {
            address: format!("localhost:{}", address.port()),
            zone: Some("a".parse().unwrap()),
            weight: 1,
            backup: false,
        }],
        source: None,
    });
    let health = Health {
        ready: Some(Probe {
            check: Check::Tcp,
            ..http("/")
        }),
        ..Health::default()
    };
    let mut config = file(folder.path());
    config
        .services
        .insert("web".parse().unwrap(), service(kind, health));
    let rig = Rig::start(&folder, config).await;
    let status = rig.is(0, InstanceState::Ready).await;
    assert_eq!((status.pid, status.zone.as_deref()), (None, Some("a")));
    assert_eq!(rig.address(0).port(), address.port());
    let id = InstanceId::new("web", 0);
    assert!(rig.supervisor.restart(&id, "test").await.is_err());
    accepting.abort();
    rig.is(0, InstanceState::NotReady).await;
    let gone = |seen: &Seen| matches!(seen, Seen::Probe { outcome: ProbeOutcome::Unreachable(why), alive: None, .. } if why == "connection refused");
    assert!(rig.seen().iter().any(gone));
    rig.supervisor.stop().await;
}
