//! Commands that must succeed before the first start.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ninefold_core::status::InstanceState;
use ninefold_supervise::PrepareState;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::file::{file, ready, shell, supervised, with};
use crate::rig::{Heard, Rig, eventually, example, folder, lives, parent, signal, stat, state_of};

#[tokio::test]
async fn prepare_runs_once_and_before_everybody() {
    let folder = folder();
    let mut service = supervised(&[&example("service"), "{address}"]);
    service.replicas = 2;
    service.prepare = Some(
        ["sh", "-c", "echo building; echo x >> built"]
            .map(Into::into)
            .to_vec(),
    );
    service.run = vec![
        "sh".into(),
        "-c".into(),
        format!("test -e built && exec {} $0", example("service")),
        "{address}".into(),
    ];
    let config = with(file(folder.path()), "web", service.clone(), ready());
    let config = with(config, "other", service, ready());
    let rig = Rig::start(&folder, config).await;
    for ordinal in 0..2 {
        rig.is(ordinal, InstanceState::Ready).await;
    }
    let states: Vec<_> = rig
        .heard()
        .into_iter()
        .filter_map(|heard| match heard {
            Heard::Prepare(state) => Some(state),
            Heard::Seen(..) | Heard::Drain(..) => None,
        })
        .collect();
    let output = PrepareState::Output("building".into());
    assert_eq!(states, [PrepareState::Started, output, PrepareState::Done]);
    assert_eq!(
        fs::read_to_string(folder.path().join("built")).unwrap(),
        "x\n"
    );
    rig.supervisor.stop().await;
}

/// As the server of a build cache does: it holds the pipe open after the command's end.
#[tokio::test]
async fn a_prepare_that_leaves_something_in_the_background_is_done_all_the_same() {
    let folder = folder();
    let mut service = supervised(&[&example("service"), "{address}"]);
    let command = "(until test -e over; do sleep 0.1; done) & echo built";
    service.prepare = Some(["sh", "-c", command].map(Into::into).to_vec());
    let rig = Rig::start(&folder, with(file(folder.path()), "web", service, ready())).await;
    rig.is(0, InstanceState::Ready).await;
    fs::write(folder.path().join("over"), "").unwrap();
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn a_failing_prepare_holds_the_service_and_is_tried_again() {
    let folder = folder();
    let mut service = supervised(&[&example("service"), "{address}"]);
    service.prepare = Some(["sh", "-c", "test -e wanted"].map(Into::into).to_vec());
    let rig = Rig::start(&folder, with(file(folder.path()), "web", service, ready())).await;
    let status = rig.is(0, InstanceState::BackingOff).await;
    let reason = status.reason.unwrap();
    assert!(
        reason.contains("prepare `sh -c test -e wanted` failed"),
        "{reason}"
    );
    assert_eq!(status.pid, None);
    assert_eq!(rig.recorded("prepare `sh"), 1);
    fs::write(folder.path().join("wanted"), "").unwrap();
    rig.is(0, InstanceState::Ready).await;
    rig.supervisor.stop().await;
}

/// Writes down who it is, leaves a child behind in a session of its own, and does not end.
const ENDLESS: &str =
    "echo $$ >> pids; setsid sh -c 'echo $$ >> pids; exec sleep 1000' & sleep 1000";

/// Runs a supervisor in a process of its own until its `prepare` runs, and the pids of that.
async fn preparing(folder: &TempDir, command: &str, count: usize) -> (Child, Vec<u32>) {
    let supervisor = Command::new(example("supervised"))
        .arg(folder.path())
        .args([&example("keeper"), &example("service"), command])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let path = folder.path().join("pids");
    eventually("it prepares", || async { pids(&path).len() == count }).await;
    (supervisor, pids(&path))
}

/// The whole lines of the file.
fn pids(path: &Path) -> Vec<u32> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| line.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_prepare_does_not_outlive_a_killed_ninefold() {
    let folder = folder();
    let (mut supervisor, pids) = preparing(&folder, ENDLESS, 2).await;
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    eventually("everything of it is gone", || async {
        !pids.iter().any(|pid| lives(*pid))
    })
    .await;
}

/// Even if its guard dies with Ninefold. Stopped first, it cannot do its work before it dies.
#[tokio::test]
async fn the_next_ninefold_ends_a_prepare_that_was_left_over_before_it_starts_another() {
    let folder = folder();
    let command = "echo $$ >> pids; sleep 1000";
    let (mut supervisor, pids) = preparing(&folder, command, 1).await;
    let guard = parent(pids[0]);
    signal(guard, Signal::STOP);
    eventually("the guard is stopped", || async { stat(guard, 0) == "T" }).await;
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    signal(guard, Signal::KILL);
    eventually("the guard is gone", || async { !lives(guard) }).await;
    assert!(lives(pids[0]), "the command is left over");
    let mut service = supervised(&[&example("service"), "{address}"]);
    // A zombie that its init has not reaped yet does not count.
    let check = format!(
        "! grep -Eqs '^[0-9]+ [(].*[)] [RSDT]' /proc/{}/stat",
        pids[0]
    );
    service.prepare = Some(shell(&check));
    let rig = Rig::start(&folder, with(file(folder.path()), "web", service, ready())).await;
    rig.is(0, InstanceState::Ready).await;
    assert_eq!(rig.recorded("what is left of a former prepare"), 1);
    assert_eq!(rig.recorded("prepare `sh"), 0, "{:#?}", rig.lines());
    let folders = fs::read_dir(state_of(&folder).join("prepares")).unwrap();
    assert_eq!(folders.count(), 1, "the former one's is gone");
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn a_prepare_that_cannot_be_run_says_why() {
    let folder = folder();
    let mut service = supervised(&[&example("service"), "{address}"]);
    service.prepare = Some(vec!["no-such-builder".into()]);
    let mut other = service.clone();
    other.prepare = Some(vec!["true".into()]);
    other.directory = Some("no/such/folder".into());
    let config = with(file(folder.path()), "web", service, ready());
    let rig = Rig::start(&folder, with(config, "other", other, ready())).await;
    for reason in [
        "prepare `no-such-builder` failed: `no-such-builder` is in none of the folders of PATH",
        "no/such/folder does not exist",
    ] {
        rig.until(reason, || rig.recorded(reason) > 0).await;
    }
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn a_stop_ends_a_prepare() {
    let folder = folder();
    let mut service = supervised(&[&example("service"), "{address}"]);
    service.prepare = Some(shell(ENDLESS));
    let rig = Rig::start(&folder, with(file(folder.path()), "web", service, ready())).await;
    let path = folder.path().join("pids");
    rig.until("it prepares", || pids(&path).len() == 2).await;
    rig.supervisor.stop().await;
    let pids = pids(&path);
    eventually("it is gone", || async {
        !pids.iter().any(|pid| lives(*pid))
    })
    .await;
}
