//! Starts that fail, and what comes before a start.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use ninefold_config::model::Supervised;
use ninefold_core::observation::Seen;
use ninefold_core::status::InstanceState;

use crate::file::{file, ready, supervised, with};
use crate::rig::{Rig, folder};

/// The reason that `service` cannot be started for.
async fn refusal(change: impl FnOnce(&mut Supervised)) -> String {
    let folder = folder();
    let plain = folder.path().join("plain");
    fs::write(&plain, "no program").unwrap();
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
    let script = folder.path().join("script");
    fs::write(&script, "#!/no/such/shell -e\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
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
    assert!(text.contains("/missing does not exist: make it"), "{text}");
    let text = refusal(|service| service.run = vec!["./script".into()]).await;
    assert!(
        text.contains("/script begins with `#!/no/such/shell`, which does not exist: install it"),
        "{text}"
    );
    let text = refusal(|service| service.directory = Some("plain".into())).await;
    assert!(
        text.contains("/plain is no folder: make it, or change `directory`"),
        "{text}"
    );
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
    assert!(
        text.contains("no user `no-such-user`") && text.contains("change `user`"),
        "{text}"
    );
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
    assert!(status.reason.unwrap().contains("/missing does not exist"));
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
        addresses: ninefold_supervise::Addresses::default(),
        reports,
        journal,
        tls: None,
        place: None,
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
