//! A few nodes in one process, over real sockets.

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ninefold_cluster::membership::Status;
use ninefold_core::rng::Rng;
use ninefold_trust::{Identity, SecretsFolder, local};

use super::{ClusterOptions, Gossip, MemberView};

const PATIENCE: Duration = Duration::from_secs(10);

struct Nodes {
    _folder: tempfile::TempDir,
    gossips: Vec<Option<Gossip>>,
    addresses: Vec<SocketAddr>,
}

impl Nodes {
    fn start(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let states: Vec<PathBuf> = (1..=count)
            .map(|n| folder.path().join(format!("n{n}")))
            .collect();
        for state in &states {
            std::fs::create_dir(state).unwrap();
        }
        local::prepare(&states, "test").unwrap();
        let mut nodes = Self {
            _folder: folder,
            gossips: Vec::new(),
            addresses: Vec::new(),
        };
        for state in &states {
            let secrets = SecretsFolder::of_state(state);
            let identity = Identity::load(&secrets, crate::control::now());
            let options = ClusterOptions {
                identity: identity.unwrap().unwrap(),
                secrets,
                zone: None,
                gossip: ([127, 0, 0, 1], 0).into(),
                seeds: nodes.addresses.clone(),
            };
            let gossip = Gossip::start(&options, "test", 0).unwrap();
            let own = gossip.shared().view().members[0].addr;
            nodes.addresses.push(own);
            nodes.gossips.push(Some(gossip));
        }
        nodes
    }

    fn alive(&self) -> impl Iterator<Item = &Gossip> {
        self.gossips.iter().flatten()
    }

    /// Waits until every node sees it so.
    fn until(&self, what: &str, holds: impl Fn(&[MemberView]) -> bool) -> Duration {
        let asked = Instant::now();
        loop {
            let all = self
                .alive()
                .all(|gossip| holds(&gossip.shared().view().members));
            if all {
                return asked.elapsed();
            }
            assert!(asked.elapsed() < PATIENCE, "never: {what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until every node holds on to every other one.
    fn all_held(&self) {
        let others = self.alive().count() - 1;
        let asked = Instant::now();
        while self
            .alive()
            .any(|gossip| gossip.shared().view().lifelines < others)
        {
            assert!(asked.elapsed() < PATIENCE, "no lifelines");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn all_there(&self) {
        let count = self.alive().count();
        self.until("all are there", |members| {
            let alive = members.iter().filter(|one| one.status == Status::Alive);
            alive.count() == count
        });
    }
}

fn is(members: &[MemberView], name: &str, status: Status) -> bool {
    let mut all = members.iter();
    all.any(|one| &*one.name == name && one.status == status)
}

#[test]
fn what_one_says_all_know_until_it_ends() {
    let mut nodes = Nodes::start(4);
    nodes.all_there();
    let third = nodes.gossips[2].as_ref().unwrap();
    assert!(third.say("k".to_owned(), Some(b"v".to_vec())));
    nodes.until("all know k", |members| {
        members
            .iter()
            .any(|one| &*one.name == "n3" && one.entries.get("k").map(|v| &**v) == Some(b"v"))
    });
    nodes.all_held();
    drop(nodes.gossips[2].take());
    let took = nodes.until("n3 is down", |members| is(members, "n3", Status::Down));
    println!("known to all after {took:?}");
    let ends = |gossip: &Gossip| gossip.shared().view().counters.ends;
    assert!(nodes.alive().map(ends).sum::<u64>() >= 2, "by silence");
}

#[test]
fn who_leaves_in_order_is_nobodys_failure() {
    let mut nodes = Nodes::start(3);
    nodes.all_there();
    nodes.all_held();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let second = nodes.gossips[1].take().unwrap();
    runtime.block_on(second.end(true));
    nodes.until("n2 has left", |members| is(members, "n2", Status::Left));
    assert!(
        nodes
            .alive()
            .all(|gossip| gossip.shared().view().counters.accusations == 0)
    );
    // One that falls silent for another process says goodbye, so its host is not asked whether it has ended.
    let third = nodes.gossips[2].take().unwrap();
    runtime.block_on(third.end(false));
    std::thread::sleep(Duration::from_millis(300));
    let view = nodes.gossips[0].as_ref().unwrap().shared().view();
    assert_eq!(view.counters.ends, 0);
}

#[test]
fn garbage_and_the_packets_of_strangers_change_nothing() {
    let nodes = Nodes::start(2);
    let strangers = Nodes::start(2);
    nodes.all_there();
    strangers.all_there();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut rng = Rng::new(7);
    let mut packet = [0; 600];
    for n in 0..2_000 {
        for byte in &mut packet {
            *byte = u8::try_from(rng.below(256)).unwrap();
        }
        let length = usize::try_from(rng.below(600)).unwrap();
        socket
            .send_to(&packet[..length], nodes.addresses[n % 2])
            .unwrap();
        if n % 50 == 0 {
            // Else they are lost in the socket's buffer, and nothing is shown.
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let refused = |gossip: &Gossip| gossip.shared().view().seals.refused();
    let asked = Instant::now();
    while nodes.alive().map(refused).sum::<u64>() < 1_000 {
        assert!(asked.elapsed() < PATIENCE, "they were not refused");
        std::thread::sleep(Duration::from_millis(5));
    }
    let alone = |members: &[MemberView]| members.len() == 2;
    nodes.until("nobody came", alone);
    assert!(
        nodes
            .alive()
            .all(|gossip| gossip.shared().view().counters.refused == 0)
    );
}
