//! Keys of gossip that change while nodes run.

use std::time::{Duration, Instant};

use ninefold_core::status::KeysStep;
use ninefold_trust::rotation::{Keys, Rotator};
use tokio::io::AsyncReadExt;

use super::{Nodes, Status, is, open, runtime};
use crate::cluster::keys::generation_of;
use crate::control::now;

/// A step waits until who takes it has run for a while.
const PATIENCE: Duration = Duration::from_secs(60);

impl Nodes {
    fn rotator(&self) -> Rotator {
        let (secrets, identity) = self.identity(0);
        let rotator = Rotator::load(&secrets, identity.cluster(), now());
        rotator.unwrap().unwrap()
    }

    fn keys(&self, n: usize) -> Keys {
        Keys::load(&self.identity(n).0).unwrap()
    }

    /// Whether one node's connection is closed by another one, which waits for a question else.
    fn is_let_go(&self, by: usize, to: usize) -> bool {
        let (own, other, addr) = (self.identity(by).1, self.identity(to).1, self.port(to));
        runtime().block_on(async {
            let mut stream = open((&own, &other), addr).await.unwrap();
            let closed = stream.read_u8();
            tokio::time::timeout(Duration::from_secs(2), closed)
                .await
                .is_ok()
        })
    }

    /// Waits until all that run say so of themselves, to each other.
    fn until_generation(&self, generation: u64) {
        let asked = Instant::now();
        let has = |gossip: &crate::cluster::Gossip| {
            let view = gossip.shared().view();
            let alive = view
                .members
                .iter()
                .filter(|one| one.status == Status::Alive);
            let all = alive.map(generation_of).all(|one| one == generation);
            all && view.keys.generation == generation
        };
        while !self.alive().all(has) {
            assert!(asked.elapsed() < PATIENCE, "never: generation {generation}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_new_key_takes_the_place_of_the_old_one_and_one_that_was_away_comes_back() {
    let mut nodes = Nodes::start(3);
    nodes.all_there();
    nodes.all_held();
    let before = nodes.keys(0);
    nodes.kill(2);
    nodes.until("n3 is down", |members| is(members, "n3", Status::Down));

    let rotator = nodes.rotator();
    let spreading = rotator.begin(Duration::from_secs(8), now()).unwrap();
    nodes.until_generation(1);
    assert_eq!(nodes.keys(1), spreading, "it is on the disk of another");
    nodes.until_generation(2);
    let new = nodes.keys(1).ring().primary().id();
    assert_ne!(new, before.ring().primary().id());

    // It knows the old key alone, and nobody seals with that any more.
    assert_eq!(nodes.keys(2), before);
    nodes.start_again(2);
    nodes.all_there();
    nodes.until_generation(2);
    assert_eq!(nodes.keys(2).step(), KeysStep::Retiring);
    nodes.until_generation(3);
    nodes.all_there();
    for n in 0..3 {
        let keys = nodes.keys(n);
        let ids: Vec<_> = keys.ring().keys().map(|key| key.id()).collect();
        assert_eq!((keys.step(), ids), (KeysStep::Settled, vec![new]));
    }
    let accused = |name: &str| {
        let mut all = nodes.alive().flat_map(|gossip| {
            let view = gossip.shared().view();
            view.members.clone()
        });
        all.any(|one| &*one.name == name && one.accused_by > 0)
    };
    assert!(!accused("n1") && !accused("n2"));
    let notes = nodes.gossips[1].as_ref().unwrap().shared().take_notes();
    let said = |what: &str| notes.iter().any(|note| note.starts_with(what));
    assert!(said("keys of gossip: generation 1, "), "{notes:?}");
    assert!(said("keys of gossip: generation 3, "), "{notes:?}");
}

#[test]
fn one_that_missed_everything_is_told_what_to_do() {
    let mut nodes = Nodes::start(3);
    nodes.all_there();
    nodes.all_held();
    nodes.kill(2);
    nodes.until("n3 is down", |members| is(members, "n3", Status::Down));
    nodes.rotator().begin(Duration::ZERO, now()).unwrap();
    nodes.until_generation(3);
    nodes.start_again(2);
    let third = nodes.gossips[2].as_ref().unwrap();
    let asked = Instant::now();
    loop {
        let notes = third.shared().take_notes();
        if notes.iter().any(|note| note.contains("join again")) {
            break;
        }
        assert!(asked.elapsed() < PATIENCE, "it is told nothing");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(third.shared().view().members.len(), 1, "it is alone");
}

#[test]
fn an_authority_that_was_restored_from_a_copy_catches_up_before_it_goes_on() {
    let mut nodes = Nodes::start(2);
    nodes.all_there();
    let first = nodes.keys(0);
    nodes
        .rotator()
        .begin(Duration::from_secs(3_600), now())
        .unwrap();
    nodes.until_generation(2);
    nodes.kill(0);
    let folder = nodes.states[0].join("cluster/keys.json");
    std::fs::write(folder, serde_json::to_vec(&first).unwrap()).unwrap();
    assert_eq!(nodes.keys(0), first);
    nodes.start_again(0);
    nodes.until_generation(2);
    assert_eq!(nodes.keys(0), nodes.keys(1));
}

#[test]
fn who_is_expelled_is_heard_no_more_and_gets_no_key() {
    let mut nodes = Nodes::start(4);
    nodes.all_there();
    nodes.all_held();
    let before = nodes.keys(0);
    let n4 = "n4".parse().unwrap();
    nodes.rotator().expel(&n4, now()).unwrap();
    let expelled = nodes.gossips[3].take().unwrap();
    nodes.until("n4 is out", |members| is(members, "n4", Status::Left));
    nodes.until_generation(3);
    for n in 0..3 {
        let keys = nodes.keys(n);
        assert_eq!(
            (keys.step(), keys.expelled().has(&n4)),
            (KeysStep::Settled, true)
        );
        assert_ne!(keys.ring(), before.ring());
    }
    // It runs on, and has what it had.
    assert_eq!(nodes.keys(3), before);
    assert!(nodes.is_let_go(3, 0), "its certificate counts");
    assert!(!nodes.is_let_go(1, 0), "so do others");
    let notes = nodes.gossips[1].as_ref().unwrap().shared().take_notes();
    assert!(
        notes
            .iter()
            .any(|note| note == "n4 was expelled from the cluster"),
        "{notes:?}"
    );
    let asked = Instant::now();
    let is_told = |note: &String| note.contains("that n4 was expelled");
    while !expelled.shared().take_notes().iter().any(is_told) {
        assert!(asked.elapsed() < PATIENCE, "it is told nothing");
        std::thread::sleep(Duration::from_millis(20));
    }
    expelled.kill();
    // As it begins anew, and so does one of the others.
    nodes.start_again(3);
    nodes.kill(1);
    nodes.start_again(1);
    let lonely = nodes.gossips[3].take().unwrap();
    nodes.all_there();
    assert_eq!(lonely.shared().view().members.len(), 1, "it is alone");
    nodes.until("n4 stays out", |members| !is(members, "n4", Status::Alive));
}
