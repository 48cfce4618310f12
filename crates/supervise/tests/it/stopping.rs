//! Stops and planned restarts.

use ninefold_config::model::Span;
use ninefold_core::id::InstanceId;
use ninefold_core::observation::Seen;
use ninefold_core::status::InstanceState;
use ninefold_supervise::RestartError;

use crate::file::{file, ready, supervised, with};
use crate::rig::{Heard, Rig, example, folder, get, lives, signal, web};

#[tokio::test]
async fn a_stop_leaves_routing_drains_and_leaves_nothing_behind() {
    let folder = folder();
    let service = supervised(&[&example("service"), "{address}"]);
    let rig = Rig::start(&folder, with(file(folder.path()), "web", service, ready())).await;
    let status = rig.is(0, InstanceState::Ready).await;
    let grandchild: u32 = get(rig.address(0), "/leave")
        .await
        .unwrap()
        .parse()
        .unwrap();
    assert!(lives(grandchild));
    rig.supervisor.stop().await;
    assert!(!lives(status.pid.unwrap()));
    rig.until("the grandchild is gone", || !lives(grandchild))
        .await;
    assert_eq!(rig.status(0).state, InstanceState::Stopped);
    let heard = rig.heard();
    let drain = heard
        .iter()
        .position(|h| matches!(h, Heard::Drain(false)))
        .unwrap();
    let exit = heard
        .iter()
        .position(|h| matches!(h, Heard::Seen(Seen::Exited { expected: true, .. })));
    assert!(drain < exit.unwrap());
    let lines = rig.lines();
    let ends = [
        "action: stop web/0: asked to stop",
        "exited as asked",
        "web/0 stopped",
    ];
    let tail: Vec<_> = lines.iter().rev().take(3).rev().zip(ends).collect();
    assert!(
        tail.iter().all(|(line, end)| line.contains(end)),
        "{lines:#?}"
    );
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn what_does_not_stop_is_killed_after_its_grace() {
    let folder = folder();
    let script = format!(
        "trap '' TERM; {} $0 & while :; do wait; sleep 0.1; done",
        example("service")
    );
    let mut service = supervised(&["sh", "-c", &script, "{address}"]);
    service.stop.grace = Span::millis(300);
    let rig = Rig::start(&folder, with(file(folder.path()), "web", service, ready())).await;
    let status = rig.is(0, InstanceState::Ready).await;
    let child: u32 = get(rig.address(0), "/").await.unwrap().parse().unwrap();
    rig.supervisor.stop().await;
    assert!(!lives(status.pid.unwrap()));
    rig.until("its child is gone", || !lives(child)).await;
    assert_eq!(
        rig.recorded("action: kill web/0: it did not stop within 300ms"),
        1
    );
    assert_eq!(rig.recorded("killed by SIGKILL"), 1);
}

#[tokio::test]
async fn a_planned_restart_drains_and_costs_no_budget() {
    let folder = folder();
    let mut service = supervised(&[&example("service"), "{address}"]);
    service.restart.budget = 1;
    let rig = Rig::start(&folder, with(file(folder.path()), "web", service, ready())).await;
    let mut status = rig.is(0, InstanceState::Ready).await;
    for _ in 0..3 {
        rig.supervisor
            .restart(&web(0), "new certificate")
            .await
            .unwrap();
        status = rig.is_back(0, &status).await;
    }
    let drains = rig
        .heard()
        .iter()
        .filter(|h| matches!(h, Heard::Drain(false)))
        .count();
    assert_eq!(drains, 3);
    for action in ["stop", "restart"] {
        let line = format!("action: {action} web/0: new certificate");
        assert_eq!(rig.recorded(&line), 3, "{:#?}", rig.lines());
    }
    assert_eq!(rig.recorded("crash loop"), 0);
    let unknown = InstanceId::new("nobody", 0);
    let error = rig.supervisor.restart(&unknown, "").await.unwrap_err();
    assert_eq!(error, RestartError::Unknown(unknown));
    rig.supervisor.stop().await;
    let error = rig.supervisor.restart(&web(0), "").await.unwrap_err();
    assert_eq!(error, RestartError::Stopped(web(0)));
}

#[tokio::test]
async fn a_stopped_process_is_continued_so_that_it_can_end() {
    let folder = folder();
    let mut service = supervised(&[&example("service"), "{address}"]);
    service.stop.grace = Span::secs(600);
    let rig = Rig::start(&folder, with(file(folder.path()), "web", service, ready())).await;
    let status = rig.is(0, InstanceState::Ready).await;
    signal(status.pid.unwrap(), rustix::process::Signal::STOP);
    rig.supervisor.stop().await;
    assert_eq!(rig.recorded("killed by SIGTERM"), 1);
}
