//! Several nodes run the replicas of one file.

use std::net::IpAddr;

use ninefold_cluster::placement::Placement;
use ninefold_config::model::File;
use ninefold_core::id::InstanceId;
use ninefold_core::status::InstanceState;
use ninefold_supervise::Place;
use tempfile::TempDir;

use crate::file::{file, ready, supervised, with};
use crate::rig::{Rig, example, folder, lives, web};

/// Five replicas in two zones.
fn config(folder: &TempDir) -> File {
    let mut service = supervised(&[&example("service"), "{address}"]);
    service.replicas = 5;
    let mut file = file(folder.path());
    file.cluster.zones = ["a", "b"].map(|zone| zone.parse().unwrap()).to_vec();
    with(file, "web", service, ready())
}

/// Node `me` of `nodes` on an address of its own.
fn place(me: u8, nodes: u32) -> Place {
    Place {
        me: me.into(),
        placement: Placement::new(nodes, ["a".into(), "b".into()]).unwrap(),
        address: IpAddr::from([127, 0, 0, me + 1]),
    }
}

/// What a node runs: by instance, its address and zone.
fn runs(rig: &Rig) -> Vec<(InstanceId, IpAddr, Option<String>)> {
    let mut runs: Vec<_> = rig
        .supervisor
        .instances()
        .into_iter()
        .map(|one| {
            let address = rig.supervisor.endpoint(&one.instance).unwrap().address;
            (one.instance, address.tcp().unwrap().ip(), one.zone)
        })
        .collect();
    runs.sort();
    runs
}

#[tokio::test]
async fn every_replica_runs_on_its_own_node_and_on_no_other() {
    let folders = [folder(), folder(), folder()];
    let mut seen = Vec::new();
    let mut nodes = Vec::new();
    for (me, folder) in (0..3).zip(&folders) {
        let place = place(me, 3);
        let zone = place.placement.zone_of(me.into()).map(ToString::to_string);
        let rig = Rig::placed(folder, config(folder), place).await;
        let mine: Vec<InstanceId> = rig
            .supervisor
            .instances()
            .into_iter()
            .map(|one| one.instance)
            .collect();
        for one in &mine {
            rig.is(one.ordinal, InstanceState::Ready).await;
        }
        for (one, address, there) in runs(&rig) {
            assert_eq!(address, IpAddr::from([127, 0, 0, me + 1]), "{one}");
            assert_eq!(there, zone, "{one}");
        }
        seen.extend(mine);
        nodes.push(rig);
    }
    seen.sort();
    assert_eq!(seen, (0..5).map(web).collect::<Vec<_>>());
    for rig in &nodes {
        rig.supervisor.stop().await;
    }
}

#[tokio::test]
async fn a_replica_whose_home_is_elsewhere_now_is_stopped() {
    let folder = folder();
    let rig = Rig::start(&folder, config(&folder)).await;
    let mut pids = Vec::new();
    for ordinal in 0..5 {
        let ready = rig.is(ordinal, InstanceState::Ready).await;
        pids.push((ordinal, ready.pid.unwrap()));
    }
    rig.supervisor.leave().await;
    // The first node of three is on the same address: what stays is adopted.
    let rig = Rig::placed(&folder, config(&folder), place(0, 3)).await;
    let mine: Vec<u32> = runs(&rig).iter().map(|(one, _, _)| one.ordinal).collect();
    assert!(!mine.is_empty() && mine.len() < 5, "{mine:?}");
    for (ordinal, pid) in pids {
        if mine.contains(&ordinal) {
            assert_eq!(rig.status(ordinal).pid, Some(pid), "web/{ordinal}");
            continue;
        }
        crate::rig::eventually("it is stopped", || async { !lives(pid) }).await;
    }
    rig.supervisor.stop().await;
}
