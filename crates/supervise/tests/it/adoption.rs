//! Ninefold dies, services do not.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ninefold_config::model::Span;
use ninefold_core::observation::Seen;
use ninefold_core::status::InstanceState;
use ninefold_core::taxonomy::ExitCause;
use ninefold_supervise::logs;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::file::{file, ready, supervised, with};
use crate::rig::{
    Rig, eventually, example, folder, get, lives, parent, signal, stat, state_of, web,
};

/// Runs a supervisor in a process of its own until its service is ready, and kills it. Answers
/// the service's address and pid.
async fn orphaned(folder: &TempDir) -> (std::net::SocketAddr, u32) {
    kill_when_ready(folder).await;
    let run = std::fs::read(state_of(folder).join("instances/web-0/run.json")).unwrap();
    let run: serde_json::Value = serde_json::from_slice(&run).unwrap();
    let address = run["address"].as_str().unwrap().parse().unwrap();
    let pid = run["process"]["pid"].as_u64().unwrap();
    (address, u32::try_from(pid).unwrap())
}

async fn kill_when_ready(folder: &TempDir) {
    let mut supervisor = Command::new(example("supervised"))
        .arg(folder.path())
        .args([example("keeper"), example("service")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = supervisor.stdout.take().unwrap();
    let said = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        line
    });
    assert_eq!(said.await.unwrap(), "ready\n");
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
}

/// As [`orphaned`], with a disk that refuses the record: where it is written first, there is a
/// folder.
async fn orphaned_without_a_record(folder: &TempDir) -> (std::net::SocketAddr, u32) {
    let instance = state_of(folder).join("instances/web-0");
    std::fs::create_dir_all(instance.join("run.new")).unwrap();
    kill_when_ready(folder).await;
    assert!(!instance.join("run.json").exists());
    let port = std::fs::read_to_string(instance.join("port")).unwrap();
    let address = ([127, 0, 0, 1], port.trim().parse().unwrap()).into();
    let pid = get(address, "/").await.unwrap();
    (address, pid.parse().unwrap())
}

fn config(folder: &TempDir) -> ninefold_config::model::File {
    let service = supervised(&[&example("service"), "{address}"]);
    with(file(folder.path()), "web", service, ready())
}

#[tokio::test]
async fn services_survive_a_killed_ninefold_and_are_adopted() {
    let folder = folder();
    let (address, pid) = orphaned(&folder).await;
    // It serves and writes although nobody is there.
    get(address, "/say/alone").await.unwrap();
    eventually("its output is captured", || async {
        let lines = logs::tail(&state_of(&folder), "web", 10).unwrap();
        lines
            .iter()
            .any(|line| line.text.ends_with(" stdout alone"))
    })
    .await;
    let rig = Rig::start(&folder, config(&folder)).await;
    assert_eq!(rig.address(0), address, "known at once");
    let status = rig.is(0, InstanceState::Ready).await;
    assert_eq!((status.pid, status.restarts), (Some(pid), 0));
    assert_eq!(rig.recorded("adopted"), 1);
    assert_eq!(rig.recorded("action:"), 0, "{:#?}", rig.lines());
    let adopted = |seen: &Seen| matches!(seen, Seen::Started { adopted: true, .. });
    assert!(rig.seen().iter().any(adopted));
    // Its end is seen as well as that of a child.
    signal(pid, Signal::KILL);
    let after = rig.is_back(0, &status).await;
    assert_eq!((after.restarts, rig.address(0)), (1, address));
    assert_eq!(rig.recorded("unexpectedly: pid"), 1);
    assert_eq!(rig.recorded("killed by SIGKILL"), 2, "{:#?}", rig.lines());
    rig.supervisor.stop().await;
    assert!(!lives(after.pid.unwrap()));
}

#[tokio::test]
async fn what_was_ready_before_is_ready_after_one_look() {
    let folder = folder();
    let (_, pid) = orphaned(&folder).await;
    let mut probes = ready();
    if let Some(ready) = &mut probes.ready {
        // By the declared rule it would take two minutes.
        ready.successes = 3;
        ready.every = Span::secs(60);
    }
    let service = supervised(&[&example("service"), "{address}"]);
    let rig = Rig::start(&folder, with(file(folder.path()), "web", service, probes)).await;
    assert!(rig.supervisor.settled(Duration::from_secs(40)).await);
    assert_eq!(rig.status(0).state, InstanceState::Ready);
    assert_eq!(rig.status(0).pid, Some(pid));
    rig.supervisor.stop().await;
    assert!(
        !state_of(&folder)
            .join("instances/web-0/ready.json")
            .exists()
    );
}

#[tokio::test]
async fn what_hangs_since_keeps_nobody_waiting_for_ever() {
    let folder = folder();
    let (_, pid) = orphaned(&folder).await;
    signal(pid, Signal::STOP);
    let mut probes = ready();
    if let Some(ready) = &mut probes.ready {
        ready.timeout = Span::secs(60);
    }
    let service = supervised(&[&example("service"), "{address}"]);
    let rig = Rig::start(&folder, with(file(folder.path()), "web", service, probes)).await;
    assert!(!rig.supervisor.settled(Duration::from_millis(10)).await);
    assert!(!rig.supervisor.endpoint(&web(0)).unwrap().admitted);
    signal(pid, Signal::CONT);
    assert!(rig.supervisor.settled(Duration::from_secs(40)).await);
    rig.is(0, InstanceState::Ready).await;
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn services_without_a_record_on_disk_are_adopted_and_recorded_once_there_is_room() {
    let folder = folder();
    let (address, pid) = orphaned_without_a_record(&folder).await;
    let rig = Rig::start(&folder, config(&folder)).await;
    assert_eq!(rig.address(0), address, "known at once");
    let status = rig.is(0, InstanceState::Ready).await;
    assert_eq!((status.pid, status.restarts), (Some(pid), 0));
    let instance = state_of(&folder).join("instances/web-0");
    std::fs::remove_dir(instance.join("run.new")).unwrap();
    rig.until("it is recorded", || instance.join("run.json").exists())
        .await;
    rig.supervisor.stop().await;
    assert!(!lives(pid));
}

#[tokio::test]
async fn services_without_a_record_on_disk_that_are_not_in_the_file_any_more_are_stopped() {
    let folder = folder();
    let (_, pid) = orphaned_without_a_record(&folder).await;
    let keeper = parent(pid);
    let rig = Rig::start(&folder, file(folder.path())).await;
    rig.until("it is stopped", || !lives(pid) && !lives(keeper))
        .await;
    assert_eq!(rig.recorded("it is not in the file any more"), 1);
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn an_exit_while_ninefold_was_dead_is_reported_with_its_cause() {
    let folder = folder();
    let (address, pid) = orphaned(&folder).await;
    get(address, "/exit/5").await.unwrap_err();
    eventually("it is gone", || async { !lives(pid) }).await;
    let exit = state_of(&folder).join("instances/web-0/exit.json");
    eventually("its end is written down", || async { exit.exists() }).await;
    let rig = Rig::start(&folder, config(&folder)).await;
    let exited = Seen::Exited {
        pid,
        cause: ExitCause::Code(5),
        ended: ninefold_core::time::Timestamp::ZERO,
        expected: false,
    };
    let same = |seen: &Seen| match (seen, &exited) {
        (
            Seen::Exited {
                pid: a, cause: b, ..
            },
            Seen::Exited {
                pid: c, cause: d, ..
            },
        ) => (a, b) == (c, d),
        _ => false,
    };
    rig.until("the end is reported", || rig.seen().iter().any(same))
        .await;
    rig.is(0, InstanceState::Ready).await;
    rig.supervisor.stop().await;
}

fn state(pid: u32) -> String {
    stat(pid, 0)
}

#[tokio::test]
async fn a_service_killed_with_its_keeper_is_lost_and_leaves_no_orphan() {
    let folder = folder();
    let rig = Rig::start(&folder, config(&folder)).await;
    let before = rig.is(0, InstanceState::Ready).await;
    let grandchild: u32 = get(rig.address(0), "/leave")
        .await
        .unwrap()
        .parse()
        .unwrap();
    let pid = before.pid.unwrap();
    let keeper = parent(pid);
    // A stopped keeper can write nothing down. All its threads have stopped once it shows so.
    signal(keeper, Signal::STOP);
    rig.until("the keeper is stopped", || state(keeper) == "T")
        .await;
    signal(pid, Signal::KILL);
    signal(keeper, Signal::KILL);
    rig.is_back(0, &before).await;
    let lost = |seen: &Seen| {
        matches!(
            seen,
            Seen::Exited {
                cause: ExitCause::Lost,
                expected: false,
                ..
            }
        )
    };
    assert!(rig.seen().iter().any(lost), "{:#?}", rig.lines());
    rig.until("the grandchild is gone", || !lives(grandchild))
        .await;
    rig.supervisor.stop().await;
}

/// A keeper that is stopped for ever holds the lock of the folder, and is in nobody's way for it.
#[tokio::test]
async fn a_keeper_that_does_not_end_is_ended() {
    let folder = folder();
    let rig = Rig::start(&folder, config(&folder)).await;
    let before = rig.is(0, InstanceState::Ready).await;
    let pid = before.pid.unwrap();
    let keeper = parent(pid);
    signal(keeper, Signal::STOP);
    rig.until("the keeper is stopped", || state(keeper) == "T")
        .await;
    signal(pid, Signal::KILL);
    rig.is_back(0, &before).await;
    assert!(!lives(keeper));
    assert_eq!(rig.recorded("does not end after its service"), 1);
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn a_service_without_its_keeper_is_replaced() {
    let folder = folder();
    let rig = Rig::start(&folder, config(&folder)).await;
    let before = rig.is(0, InstanceState::Ready).await;
    let keeper = parent(before.pid.unwrap());
    signal(keeper, Signal::KILL);
    let after = rig.is_back(0, &before).await;
    assert!(!lives(before.pid.unwrap()));
    assert_eq!(rig.recorded("the keeper of web/0 is gone"), 1);
    let lost = Seen::KeeperLost {
        keeper,
        pid: before.pid.unwrap(),
    };
    assert_eq!(rig.seen().iter().filter(|seen| **seen == lost).count(), 1);
    for action in ["stop", "restart"] {
        let line = format!("action: {action} web/0: its keeper is gone");
        assert_eq!(rig.recorded(&line), 1, "{:#?}", rig.lines());
    }
    assert_eq!(after.restarts, 1);
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn another_version_replaces_and_the_same_is_adopted_with_what_it_was_started_from() {
    let folder = folder();
    let versioned = |version: &str| {
        let mut service = supervised(&[&example("service"), "{address}"]);
        service.replicas = 2;
        service.version = Some(version.to_owned());
        with(config(&folder), "web", service, ready())
    };
    let mut rig = Rig::start(&folder, versioned("1")).await;
    let first = rig.is(0, InstanceState::Ready).await;
    let release = first.release.clone().unwrap();
    assert_eq!(release.version.as_deref(), Some("1"));
    let other = rig.is(1, InstanceState::Ready).await;
    assert_eq!(
        other.release.as_ref(),
        Some(&release),
        "whatever their ports"
    );
    // Dropped without a stop: as if it had died.
    drop(rig);
    rig = Rig::start(&folder, versioned("1")).await;
    let adopted = rig.is(0, InstanceState::Ready).await;
    assert_eq!(
        (adopted.pid, adopted.release),
        (first.pid, Some(release.clone()))
    );
    drop(rig);
    rig = Rig::start(&folder, versioned("2")).await;
    let next = rig.is_back(0, &first).await.release.unwrap();
    assert_eq!(next.version.as_deref(), Some("2"));
    assert_ne!(next.revision, release.revision);
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn a_changed_configuration_replaces_and_a_removed_service_stops() {
    let folder = folder();
    let mut service = supervised(&[&example("service"), "{address}"]);
    service.replicas = 2;
    let old = with(config(&folder), "web", service.clone(), ready());
    let old = with(old, "gone", service.clone(), ready());
    let rig = Rig::start(&folder, old).await;
    let before = [
        rig.is(0, InstanceState::Ready).await,
        rig.is(1, InstanceState::Ready).await,
    ];
    let leavers: Vec<_> = rig.supervisor.instances();
    let leavers = leavers
        .iter()
        .filter(|i| i.service == "gone")
        .map(|i| i.pid);
    let leavers: Vec<_> = leavers.flatten().collect();
    // Dropped without a stop: as if it had died.
    let folder = Arc::clone(&rig.folder);
    drop(rig);
    service.env.insert("NEW".into(), "yes".into());
    let new = with(file(folder.path()), "web", service, ready());
    let rig = Rig::start(&folder, new).await;
    for (ordinal, before) in (0..).zip(&before) {
        rig.is_back(ordinal, before).await;
        let address = rig.address(ordinal);
        assert_eq!(get(address, "/env/NEW").await.unwrap(), "yes");
    }
    let lines = rig.lines();
    for ordinal in 0..2 {
        let of = |what: &str| {
            let line = format!("web/{ordinal} {what}");
            lines.iter().position(|one| one.contains(&line))
        };
        // Before that it would not be drained, although it has had traffic all the time.
        assert!(of("ready").is_some(), "{lines:#?}");
        assert!(of("ready") < of("exited"), "{lines:#?}");
    }
    rig.until("what is not in the file stops", || {
        !leavers.iter().any(|pid| lives(*pid))
    })
    .await;
    assert_eq!(
        rig.recorded("it is not in the file any more"),
        leavers.len()
    );
    assert_eq!(rig.recorded("its configuration changed"), 4);
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn records_that_are_garbage_stop_nobody() {
    let folder = folder();
    let instance = state_of(&folder).join("instances/web-0");
    std::fs::create_dir_all(&instance).unwrap();
    for name in ["run.json", "exit.json", "port", "spec.json"] {
        std::fs::write(instance.join(name), [0xff, 0, b'{', 7]).unwrap();
    }
    let rig = Rig::start(&folder, config(&folder)).await;
    rig.is(0, InstanceState::Ready).await;
    assert_eq!(rig.recorded("cannot be adopted"), 1);
    rig.supervisor.stop().await;
}
