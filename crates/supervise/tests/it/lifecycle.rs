//! Start, readiness, exit, restart.

use std::time::Instant;

use ninefold_core::event::EventKind;
use ninefold_core::observation::Seen;
use ninefold_core::status::InstanceState;
use ninefold_core::taxonomy::ExitCause;
use rustix::process::Signal;

use crate::file::{file, ready, supervised, with};
use crate::rig::{DEADLINE, Rig, example, folder, get, lives, signal, web};

#[tokio::test]
async fn replicas_have_addresses_zones_and_an_environment() {
    let folder = folder();
    let mut service = supervised(&[&example("service"), "{address}"]);
    service.replicas = 3;
    service
        .env
        .insert("GREETING".into(), "hello {instance}".into());
    let mut config = with(file(folder.path()), "web", service, ready());
    config.cluster.zones = ["a", "b"].map(|zone| zone.parse().unwrap()).to_vec();
    let rig = Rig::start(&folder, config).await;
    for (ordinal, zone) in [(0, "a"), (1, "b"), (2, "a")] {
        let status = rig.is(ordinal, InstanceState::Ready).await;
        let address = rig.address(ordinal);
        assert_eq!(status.zone.as_deref(), Some(zone));
        assert_eq!(status.address, address.to_string());
        assert_eq!(status.restarts, 0);
        for (name, value) in [
            ("PORT", address.port().to_string()),
            ("NINEFOLD_ZONE", zone.to_owned()),
            ("NINEFOLD_INSTANCE", format!("web/{ordinal}")),
            ("GREETING", format!("hello web/{ordinal}")),
            ("NOTIFY_SOCKET", String::new()),
        ] {
            assert_eq!(
                get(address, &format!("/env/{name}")).await.unwrap(),
                value,
                "{name}"
            );
        }
        assert_eq!(
            get(address, "/").await.unwrap(),
            status.pid.unwrap().to_string()
        );
    }
    let endpoints = rig.supervisor.endpoints();
    assert!(
        endpoints
            .iter()
            .all(|e| e.admitted && e.ready_since.is_some())
    );
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn an_instance_has_its_place_also_between_two_processes() {
    let folder = folder();
    let service = supervised(&[&example("service"), "{address}"]);
    let rig = Rig::start(&folder, with(file(folder.path()), "web", service, ready())).await;
    let first = rig.is(0, InstanceState::Ready).await;
    signal(first.pid.unwrap(), Signal::KILL);
    let began = Instant::now();
    loop {
        // Who tells other nodes of it would say that there is no such instance, and forget how it ended.
        assert!(rig.supervisor.endpoint(&web(0)).is_some(), "it has gone");
        let status = rig.status(0);
        assert!(status.release.is_some());
        if status.state == InstanceState::Ready && status.pid != first.pid {
            break;
        }
        assert!(began.elapsed() < DEADLINE);
        tokio::task::yield_now().await;
    }
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn an_exit_is_seen_with_its_cause_and_followed_by_a_restart() {
    let folder = folder();
    let service = supervised(&[&example("service"), "{address}"]);
    let rig = Rig::start(&folder, with(file(folder.path()), "web", service, ready())).await;
    let first = rig.is(0, InstanceState::Ready).await;
    let address = rig.address(0);
    get(address, "/exit/3").await.unwrap_err();
    let second = rig.is_back(0, &first).await;
    assert_eq!(rig.address(0), address, "the port is stable");
    signal(second.pid.unwrap(), Signal::KILL);
    let third = rig.is_back(0, &second).await;
    assert_eq!(third.restarts, 2);
    let exits: Vec<_> = rig
        .seen()
        .into_iter()
        .filter_map(|seen| match seen {
            Seen::Exited {
                pid,
                cause,
                expected,
                ..
            } => Some((Some(pid), cause, expected)),
            _ => None,
        })
        .collect();
    assert_eq!(
        exits,
        [
            (first.pid, ExitCause::Code(3), false),
            (second.pid, ExitCause::Signal(9), false)
        ]
    );
    let order: Vec<&str> = rig
        .events()
        .iter()
        .filter_map(|event| match event {
            EventKind::Action { .. } => Some("action"),
            EventKind::InstanceStarted { .. } => Some("started"),
            EventKind::InstanceReady { .. } => Some("ready"),
            EventKind::InstanceExited { .. } => Some("exited"),
            EventKind::InstanceBackingOff { .. } => Some("wait"),
            _ => None,
        })
        .collect();
    let life = ["action", "started", "ready"];
    let end = ["exited", "wait"];
    let expected = [&life[..], &end, &life, &end, &life].concat();
    assert_eq!(order, expected);
    rig.supervisor.stop().await;
    assert!(!lives(third.pid.unwrap()));
}

#[tokio::test]
async fn a_crash_loop_is_named_once() {
    let folder = folder();
    let mut service = supervised(&["sh", "-c", "exit 7"]);
    service.restart.backoff_min = ninefold_config::model::Span::millis(1);
    service.restart.budget = 3;
    service.restart.crash_loop_every = ninefold_config::model::Span::millis(50);
    let rig = Rig::start(&folder, with(file(folder.path()), "web", service, ready())).await;
    let status = rig.is(0, InstanceState::CrashLoop).await;
    assert_eq!(status.reason.as_deref(), Some("exit status 7"));
    rig.until("it is retried all the same", || {
        rig.recorded("exit status 7") >= 8
    })
    .await;
    assert_eq!(rig.recorded("is in a crash loop: 4 exits"), 1);
    let named = |seen: &&Seen| matches!(seen, Seen::CrashLoop { exits: 4, .. });
    assert_eq!(rig.seen().iter().filter(named).count(), 1);
    rig.supervisor.stop().await;
    assert_eq!(rig.status(0).state, InstanceState::Stopped);
}

#[tokio::test]
async fn excused_exits_cost_no_budget() {
    let folder = folder();
    let mut service = supervised(&[&example("service"), "{address}"]);
    service.restart.budget = 1;
    let rig = Rig::start(&folder, with(file(folder.path()), "web", service, ready())).await;
    let mut status = rig.is(0, InstanceState::Ready).await;
    let minute = std::time::Duration::from_secs(60);
    rig.supervisor.excuse(&web(0), minute).await.unwrap();
    for _ in 0..4 {
        signal(status.pid.unwrap(), Signal::KILL);
        status = rig.is_back(0, &status).await;
    }
    assert_eq!(rig.recorded("crash loop"), 0);
    rig.supervisor.stop().await;
}
