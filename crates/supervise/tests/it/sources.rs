//! Endpoints that come and go.

use std::path::Path;
use std::sync::Arc;

use hickory_proto::op::ResponseCode;
use ninefold_config::model::{External, File, Health, ServiceKind, Source, SourceKind, Span};
use ninefold_core::status::InstanceState;
use tempfile::TempDir;

use crate::file::{file, service};
use crate::names::NameServer;
use crate::rig::{Heard, Rig, folder};

fn sourced(folder: &Path, source: Source) -> File {
    let kind = ServiceKind::External(External {
        source: Some(source),
        ..External::default()
    });
    let mut config = file(folder);
    let web = service(kind, Health::default());
    config.services.insert("web".parse().unwrap(), web);
    config
}

fn named(server: &NameServer, kind: SourceKind) -> Source {
    Source {
        nameserver: Some(server.address),
        every: Span::millis(200),
        min_ttl: Span::millis(100),
        ..Source::new(kind)
    }
}

fn listed() -> Source {
    Source {
        every: Span::millis(20),
        ..Source::new(SourceKind::File("list".into()))
    }
}

/// Ordinals and addresses of who is there and does not leave.
fn there(rig: &Rig) -> Vec<String> {
    let all = rig.supervisor.instances().into_iter();
    all.filter(|one| one.state != InstanceState::Stopping)
        .map(|one| format!("{} {}", one.instance.ordinal, one.address))
        .collect()
}

fn problem(rig: &Rig) -> String {
    let sources = rig.supervisor.sources();
    sources["web"].problem.clone().unwrap_or_default()
}

fn write(folder: &TempDir, text: &str) {
    let beside = folder.path().join("list.new");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, folder.path().join("list")).unwrap();
}

#[tokio::test]
async fn a_file_is_followed_and_a_broken_one_changes_nothing() {
    let folder = folder();
    let rig = Rig::start(&folder, sourced(folder.path(), listed())).await;
    rig.until("its absence is told", || !problem(&rig).is_empty())
        .await;
    assert_eq!(there(&rig), ["0 file list"]);
    write(&folder, "127.0.0.1:1\n127.0.0.1:2 5 a\n");
    let two = ["0 127.0.0.1:1", "1 127.0.0.1:2"];
    rig.until("two are there", || there(&rig) == two).await;
    assert_eq!(rig.status(1).zone.as_deref(), Some("a"));
    rig.until("it is well", || problem(&rig).is_empty()).await;

    write(&folder, "127.0.0.1:3\n127.0.0.1:2 x y\n");
    rig.until("it is broken", || {
        problem(&rig).ends_with("list:2: `y` is too much: write `ADDRESS [WEIGHT] [ZONE] [backup]`")
    })
    .await;
    write(&folder, "127.0.0.1:2 7\n127.0.0.1:4\n");
    let then = ["1 127.0.0.1:2", "2 127.0.0.1:4"];
    rig.until("it is followed again", || there(&rig) == then)
        .await;
    assert_eq!(rig.recorded("list:2: `y`"), 1);
    rig.until("who left is gone", || rig.supervisor.instances().len() == 2)
        .await;
    let heard = rig.heard();
    assert_eq!(
        heard
            .iter()
            .filter(|one| matches!(one, Heard::Drain(false)))
            .count(),
        1
    );
    write(&folder, "# nobody\n");
    rig.until("it is empty", || problem(&rig).ends_with("nobody is there"))
        .await;
    assert_eq!(there(&rig), then);
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn the_addresses_of_a_name_are_followed_and_failures_change_nothing() {
    let folder = folder();
    let server = NameServer::start().await;
    let source = named(&server, SourceKind::Dns("web.test:9".into()));
    server.a("web.test", 0, &[1, 2]);
    let rig = Rig::start(&folder, sourced(folder.path(), source)).await;
    rig.until("two are there", || there(&rig).len() == 2).await;
    server.a("web.test", 0, &[2, 3]);
    let moved = |rig: &Rig| {
        let there = there(rig);
        let has = |end: &str| there.iter().any(|one| one.ends_with(end));
        there.len() == 2 && has("127.0.0.2:9") && has("127.0.0.3:9")
    };
    rig.until("one came and one went", || moved(&rig)).await;
    for (code, why) in [
        (ResponseCode::NXDomain, "web.test: no such name"),
        (ResponseCode::ServFail, "web.test: "),
    ] {
        server.code(code);
        rig.until("it fails", || problem(&rig).starts_with(why))
            .await;
        assert!(moved(&rig), "{:?}", there(&rig));
        server.code(ResponseCode::NoError);
        rig.until("it is well", || problem(&rig).is_empty()).await;
    }
    server.a("web.test", 0, &[]);
    rig.until("it is empty", || {
        problem(&rig) == "web.test: it has no address"
    })
    .await;
    assert!(moved(&rig), "{:?}", there(&rig));
    server.aaaa("web.test", 0);
    rig.until("the other family serves", || {
        there(&rig).iter().all(|one| one.ends_with("[::1]:9"))
    })
    .await;
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn a_long_life_is_cut_and_is_not_asked_for_sooner() {
    let folder = folder();
    let server = NameServer::start().await;
    let source = named(&server, SourceKind::Dns("web.test:9".into()));
    server.a("web.test", 86_400, &[1]);
    let rig = Rig::start(&folder, sourced(folder.path(), source)).await;
    rig.until("it is there", || there(&rig) == ["0 127.0.0.1:9"])
        .await;
    // Within a day only because `every` is shorter.
    server.a("web.test", 86_400, &[5]);
    rig.until("it is followed", || there(&rig) == ["1 127.0.0.5:9"])
        .await;
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn srv_records_have_ports_weights_and_backups() {
    let folder = folder();
    let server = NameServer::start().await;
    let name = "_http._tcp.web.test";
    server.a("a.test", 0, &[1]);
    server.a("b.test", 0, &[2]);
    let records = [(10, 300, 81, "a.test"), (20, 0, 82, "b.test")];
    server.srv(name, 0, &records);
    let source = named(&server, SourceKind::Srv(name.into()));
    let rig = Rig::start(&folder, sourced(folder.path(), source)).await;
    rig.until("both are resolved", || {
        rig.supervisor.endpoints().len() == 2
    })
    .await;
    let shown = |rig: &Rig| -> Vec<String> {
        let all = rig.supervisor.endpoints().into_iter();
        all.map(|one| {
            format!(
                "{} {} {} {:?}",
                one.address, one.weight, one.backup, one.host
            )
        })
        .collect()
    };
    let expected = [
        "127.0.0.1:81 100 false Some(\"a.test\")",
        "127.0.0.2:82 1 true Some(\"b.test\")",
    ];
    assert_eq!(shown(&rig), expected);
    // A target that cannot be looked up stays where it was, and the others are followed.
    server.a("b.test", 0, &[]);
    server.srv(
        name,
        0,
        &[
            (10, 1, 81, "a.test"),
            (20, 1, 82, "b.test"),
            (10, 3, 83, "a.test"),
        ],
    );
    rig.until("the third is there", || {
        rig.supervisor.endpoints().len() == 3
    })
    .await;
    assert_eq!(problem(&rig), "b.test: it has no address");
    let addresses = ["0 127.0.0.1:81", "1 127.0.0.2:82", "2 127.0.0.1:83"];
    assert_eq!(there(&rig), addresses);
    rig.until("weights follow", || {
        rig.supervisor.endpoints()[0].weight == 1
    })
    .await;
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn a_restart_begins_with_who_was_found_last() {
    let folder = folder();
    let server = NameServer::start().await;
    let source = named(&server, SourceKind::Dns("web.test:9".into()));
    server.a("web.test", 0, &[1, 2]);
    let config = sourced(folder.path(), source);
    let rig = Rig::start(&folder, config.clone()).await;
    rig.until("two are there", || there(&rig).len() == 2).await;
    server.a("web.test", 0, &[2]);
    rig.until("one went", || there(&rig) == ["1 127.0.0.2:9"])
        .await;
    rig.supervisor.leave().await;
    server.silent(true);
    let asked = server.asked();
    let rig = Rig::start(&Arc::clone(&folder), config).await;
    assert_eq!(there(&rig), ["1 127.0.0.2:9"]);
    rig.until("it asks", || server.asked() > asked).await;
    rig.until("it is told", || {
        problem(&rig) == "web.test: the name server does not answer"
    })
    .await;
    assert_eq!(there(&rig), ["1 127.0.0.2:9"]);
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn a_target_that_is_not_known_after_a_restart_stays_where_it_was() {
    let folder = folder();
    let server = NameServer::start().await;
    let name = "_http._tcp.web.test";
    server.a("a.test", 0, &[1]);
    server.a("b.test", 0, &[2]);
    let records = [(10, 1, 81, "a.test"), (10, 1, 82, "b.test")];
    server.srv(name, 0, &records);
    let source = named(&server, SourceKind::Srv(name.into()));
    let config = sourced(folder.path(), source);
    let rig = Rig::start(&folder, config.clone()).await;
    let both = ["0 127.0.0.1:81", "1 127.0.0.2:82"];
    rig.until("two are there", || there(&rig) == both).await;
    rig.supervisor.leave().await;
    server.a("b.test", 0, &[]);
    let rig = Rig::start(&Arc::clone(&folder), config).await;
    rig.until("it is told", || {
        problem(&rig) == "b.test: it has no address"
    })
    .await;
    assert_eq!(there(&rig), both);
    rig.supervisor.stop().await;
}
