//! Captured output.

use std::time::Duration;

use ninefold_config::model::{Bytes, Health};
use ninefold_core::status::InstanceState;
use ninefold_supervise::logs;

use crate::file::{file, ready, supervised, with};
use crate::rig::{Rig, example, folder, get, state_of};

#[tokio::test]
async fn output_is_captured_rotated_and_bounded() {
    let folder = folder();
    // The two streams are read apart: what comes last on one may be rotated away by what is still to
    // be read of the other.
    let go = folder.path().join("go");
    let script = "i=0; while test $i -lt 12000; do echo line $i; i=$((i+1)); done; \
                  until test -e \"$0\"; do sleep 0.01; done; echo done >&2; exec sleep 1000";
    let service = supervised(&["sh", "-c", script, go.to_str().unwrap()]);
    let mut config = with(file(folder.path()), "web", service, Health::default());
    config.node.log_size = Bytes(256 << 10);
    let rig = Rig::start(&folder, config).await;
    let state = state_of(&folder);
    let written = |end: &str| {
        let lines = logs::tail(&state, "web", 100_000).unwrap();
        lines.iter().any(|line| line.text.ends_with(end))
    };
    rig.until("the output", || written(" stdout line 11999"))
        .await;
    std::fs::write(&go, "").unwrap();
    rig.until("the errors", || written(" stderr done")).await;
    let log = logs::files(&state, "web").unwrap().remove(0);
    let size: u64 = log
        .paths
        .iter()
        .map(|path| path.metadata().unwrap().len())
        .sum();
    assert_eq!(log.paths.len(), 4);
    assert!(size <= 256 << 10, "{size}");
    let lines = logs::tail(&state, "web", 100).unwrap();
    assert_eq!(lines.len(), 100);
    assert!(lines[0].to_string().starts_with("web/0 2"), "{}", lines[0]);
    rig.supervisor.stop().await;
}

/// A service that closes its output lives on, and what it wrote without a line's end is shown
/// while it waits.
#[tokio::test]
async fn a_line_without_an_end_is_shown_and_closed_output_is_no_end() {
    let folder = folder();
    let long = "head -c 10000 /dev/zero | tr '\\0' x; exec >&-; printf why >&2; sleep 1000";
    let service = supervised(&["sh", "-c", long]);
    let rig = Rig::start(
        &folder,
        with(file(folder.path()), "web", service, Health::default()),
    )
    .await;
    let state = state_of(&folder);
    let said = |end: &str| {
        let lines = logs::tail(&state, "web", 10).unwrap();
        lines.iter().any(|line| line.text.ends_with(end))
    };
    let whole = format!(" stdout {}", "x".repeat(10_000));
    rig.until("both are shown", || said(&whole) && said(" stderr why"))
        .await;
    let status = rig.status(0);
    assert!(status.pid.is_some_and(crate::rig::lives), "{status:?}");
    assert_eq!(status.restarts, 0);
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn output_can_be_followed_over_a_restart() {
    let folder = folder();
    let service = supervised(&[&example("service"), "{address}"]);
    let rig = Rig::start(&folder, with(file(folder.path()), "web", service, ready())).await;
    let status = rig.is(0, InstanceState::Ready).await;
    let mut follow = logs::Follow::new(&state_of(&folder), "web").unwrap();
    let mut lines = Vec::new();
    get(rig.address(0), "/say/one").await.unwrap();
    get(rig.address(0), "/exit/0").await.unwrap_err();
    rig.is_back(0, &status).await;
    get(rig.address(0), "/say/two").await.unwrap();
    let end = tokio::time::Instant::now() + Duration::from_secs(20);
    while lines.len() < 2 && tokio::time::Instant::now() < end {
        lines.extend(follow.poll().unwrap());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let texts: Vec<_> = lines.iter().map(|line| &line.text[24..]).collect();
    assert_eq!(texts, [" stdout one", " stdout two"]);
    rig.supervisor.stop().await;
}
