//! Whole nodes that die, and what is said where there are none.

use ninefold_chaos::process::Presence;
use ninefold_chaos::{Node, Report, Verdict, VerifyOptions, verify_nodes};
use ninefold_config::model::Survive;
use tempfile::TempDir;

use super::claims::{options, run};
use super::files::claim;
use super::rack::Seat;
use super::shop::{Behaviour, Shop};

async fn on_all(options: &VerifyOptions, shop: &Shop) -> Report {
    let names: Vec<String> = (0..shop.behaviour.nodes).map(super::rack::name).collect();
    let seats: Vec<Seat<'_>> = (0..shop.behaviour.nodes)
        .map(|node| Seat { shop, node })
        .collect();
    let nodes: Vec<_> = seats
        .iter()
        .zip(&names)
        .map(|(system, name)| Node {
            name: Some(name),
            system,
        })
        .collect();
    let mut quiet = |_| {};
    verify_nodes(options, &nodes, &mut quiet).await.unwrap()
}

fn three_nodes() -> Behaviour {
    Behaviour {
        nodes: 3,
        ..Behaviour::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_takes_all_that_it_runs_with_it_and_comes_back() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour {
        replicas: 6,
        ..three_nodes()
    })
    .await;
    let before = shop.processes();
    let nodes = [0, 1, 2].map(|node| shop.lock().rack.process(node).unwrap());
    let mut options = options(&state, vec![claim("a node may die", Survive::Nodes(1))]);
    options.trials = 2;
    let report = on_all(&options, &shop).await;
    let answer = &report.claims[0];
    assert_eq!(answer.verdict, Verdict::Proven, "{}", report.to_text());
    assert_eq!(answer.survive, "1 node killed");
    let mut hit = Vec::new();
    for trial in &answer.trials {
        let [node] = &trial.nodes[..] else {
            panic!("{:?}", trial.nodes);
        };
        hit.push(node.clone());
        let ordinal: u32 = node[1..].parse::<u32>().unwrap() - 1;
        let ran: Vec<u32> = trial.targets.iter().map(|id| id.ordinal).collect();
        assert_eq!(ran, [ordinal, ordinal + 3]);
        let away = trial.away;
        assert!(
            away.convicted.is_some() && away.isolated.is_some(),
            "{away:?}"
        );
        assert!(trial.recover > away.convicted, "{away:?}");
        assert_eq!(away.failed_after, Some(0));
    }
    hit.sort();
    hit.dedup();
    assert_eq!(hit.len(), 2, "two nodes in turn");
    let gone = |process: &&ninefold_chaos::process::Process| process.presence() == Presence::Gone;
    assert_eq!(before.iter().filter(gone).count(), 4);
    assert_eq!(nodes.iter().filter(gone).count(), 2);
    // Each node was told of each fault, so that none takes it for a real one.
    let told: Vec<String> = shop
        .lock()
        .rack
        .told
        .iter()
        .map(|(who, _)| who.clone())
        .collect();
    assert_eq!(told, ["n1", "n2", "n3", "n1", "n2", "n3"]);
    assert!(
        report
            .to_text()
            .contains("a node may die: nodes convicted after")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zone_of_a_cluster_is_its_nodes() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(three_nodes()).await;
    let report = on_all(
        &options(&state, vec![claim("a zone may go dark", Survive::Zones(1))]),
        &shop,
    )
    .await;
    let answer = &report.claims[0];
    assert_eq!(answer.verdict, Verdict::Proven, "{}", report.to_text());
    let whom = answer.trials[0].on_whom();
    assert!(
        ["n1, n3, web/0, web/2", "n2, web/1"].contains(&&*whom),
        "{whom}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_replica_dies_with_its_node() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour {
        replicas: 1,
        nodes: 2,
        ..Behaviour::default()
    })
    .await;
    let mut options = options(&state, vec![claim("a node may die", Survive::Nodes(1))]);
    // In turn: one of the two runs it.
    options.trials = 2;
    let report = on_all(&options, &shop).await;
    let answer = &report.claims[0];
    assert_eq!(answer.verdict, Verdict::Refuted, "{}", report.to_text());
    let why = answer.reasons.join("\n");
    assert!(
        why.contains("on n1, web/0") && why.contains("requests failed"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_that_no_node_speaks_of_proves_nothing() {
    let state = TempDir::new().unwrap();
    let shop = Shop::start(Behaviour {
        convicts: false,
        ..three_nodes()
    })
    .await;
    let report = on_all(
        &options(&state, vec![claim("a node may die", Survive::Nodes(1))]),
        &shop,
    )
    .await;
    let answer = &report.claims[0];
    assert_eq!(
        answer.verdict,
        Verdict::Inconclusive,
        "{}",
        report.to_text()
    );
    let why = answer.reasons.join("\n");
    assert!(why.contains("no other node's journal says a word"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_are_not_there_are_untested_with_the_remedy() {
    let state = TempDir::new().unwrap();
    let cut = Survive::Partition {
        nodes: 1,
        one_way: false,
    };
    let claims = vec![
        claim("a node may die", Survive::Nodes(1)),
        claim("a node may be cut off", cut),
    ];
    let alone = Shop::start(Behaviour::default()).await;
    let report = run(&options(&state, claims.clone()), &alone).await;
    for answer in &report.claims {
        assert_eq!(answer.verdict, Verdict::Untested);
        let why = &answer.reasons[0];
        assert!(why.contains("`ninefold verify FILE --nodes N`"), "{why}");
    }
    let shop = Shop::start(three_nodes()).await;
    let all = claim("all may die", Survive::Nodes(3));
    let report = on_all(&options(&state, vec![all]), &shop).await;
    let answer = &report.claims[0];
    assert_eq!(answer.verdict, Verdict::Untested);
    assert!(
        answer.reasons[0].contains("one has to be left"),
        "{answer:?}"
    );
    assert!(shop.lock().announced.is_empty());
}
