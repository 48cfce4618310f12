//! Starts that fail, and what comes before a start.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use ninefold_config::model::Supervised;
use ninefold_core::observation::Seen;
use ninefold_core::status::InstanceState;
use ninefold_supervise::PrepareState;

use crate::file::{file, ready, supervised, with};
use crate::rig::{Heard, Rig, example, folder};

/// The reason that `service` cannot be started for.
async fn refusal(change: impl FnOnce(&mut Supervised)) -> String {
    let folder = folder();
    let plain = folder.path().join("plain");
    fs::write(&plain, "no program").unwrap();
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
    let mut service = supervised(&["sh"]);
    change(&mut service);
    let rig = Rig::start(&folder, with(file(folder.path()), "web", service, ready())).await;
    rig.until("the start fails", || {
        rig.recorded("could not be started") > 0
    })
    .await;
    let reason = rig.status(0).reason;
    rig.supervisor.stop().await;
    let error = rig.seen().into_iter().find_map(|seen| match seen {
        Seen::SpawnFailed { error } => Some(error),
        _ => None,
    });
    assert!(reason.is_none() || reason == error, "{reason:?}");
    error.unwrap()
}

#[tokio::test]
async fn a_failed_start_says_exactly_why() {
    let text = refusal(|service| service.run = vec!["no-such-program".into()]).await;
    assert!(
        text.contains("`no-such-program` is in none of the folders of PATH ("),
        "{text}"
    );
    let text = refusal(|service| service.run = vec!["./missing".into()]).await;
    assert!(text.ends_with("/missing does not exist"), "{text}");
    let text = refusal(|service| service.run = vec!["./plain".into()]).await;
    assert!(
        text.contains("/plain is not executable (mode 0644)"),
        "{text}"
    );
    let text = refusal(|service| service.directory = Some("nowhere".into())).await;
    assert!(
        text.contains("the working directory") && text.contains("/nowhere"),
        "{text}"
    );
    let text = refusal(|service| service.user = Some("no-such-user".into())).await;
    assert!(text.contains("no user `no-such-user`"), "{text}");
    let text = refusal(|service| service.env_file = Some("missing.env".into())).await;
    assert!(
        text.contains("missing.env") && text.contains("No such file"),
        "{text}"
    );
    let text = refusal(|service| service.run = vec!["sh".into(), "{address.shop}".into()]).await;
    assert!(text.contains("no listener routes to `shop`"), "{text}");
}

#[tokio::test]
async fn a_failed_start_is_not_tried_in_a_busy_loop() {
    let folder = folder();
    let mut service = supervised(&["./missing"]);
    service.restart.budget = 2;
    service.restart.crash_loop_every = ninefold_config::model::Span::secs(600);
    let rig = Rig::start(&folder, with(file(folder.path()), "web", service, ready())).await;
    let status = rig.is(0, InstanceState::CrashLoop).await;
    assert!(status.reason.unwrap().ends_with("/missing does not exist"));
    assert_eq!(rig.recorded("could not be started"), 3);
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn a_missing_keeper_is_a_failed_start() {
    let folder = folder();
    let config = with(file(folder.path()), "web", supervised(&["sh"]), ready());
    let (reports, received) = tokio::sync::mpsc::channel(1_024);
    let journal = std::sync::Arc::new(crate::rig::Journal::default());
    let supervisor = ninefold_supervise::Supervisor::start(ninefold_supervise::Options {
        file: std::sync::Arc::new(config),
        state: crate::rig::state_of(&folder),
        keeper: vec!["/no/such/keeper".into()],
        addresses: std::collections::BTreeMap::new(),
        reports,
        journal,
    })
    .await
    .unwrap();
    crate::rig::eventually("it says so", || async {
        let instances = supervisor.instances();
        instances.iter().any(|i| {
            i.reason
                .as_ref()
                .is_some_and(|r| r.contains("/no/such/keeper"))
        })
    })
    .await;
    supervisor.stop().await;
    drop(received);
}

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

#[tokio::test]
async fn a_service_runs_as_its_user_or_says_why_not() {
    let folder = folder();
    let mut service = supervised(&["sh", "-c", "echo $(id -un) $(id -G); exec sleep 1000"]);
    service.user = Some("nobody".into());
    service.directory = Some("/".into());
    let config = with(file(folder.path()), "web", service, ready());
    let rig = Rig::start(&folder, config).await;
    if rustix::process::geteuid().is_root() {
        rig.until("it says who it is", || {
            let lines = ninefold_supervise::logs::tail(&crate::rig::state_of(&folder), "web", 1);
            let lines = lines.unwrap();
            // One group: those of root are gone.
            let fields = |text: &str| {
                text.split(' ')
                    .skip(2)
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            lines.first().is_some_and(|line| {
                let said = fields(&line.text);
                said.len() == 2 && said[0] == "nobody" && said[1] != "0"
            })
        })
        .await;
    } else {
        rig.until("it says why", || {
            rig.recorded("Ninefold must run as root") > 0
        })
        .await;
    }
    rig.supervisor.stop().await;
}
