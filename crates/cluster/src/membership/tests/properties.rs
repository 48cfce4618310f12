use std::collections::BTreeMap;
use std::time::Duration;

use ninefold_core::rng::Rng;
use ninefold_core::time::Timestamp;
use proptest::prelude::*;

use super::network::{Network, addr};
use crate::membership::wire::{Body, FRAME_MAX, Frame, Packet, Part};
use crate::membership::{Config, Membership, MembershipEvent, Node, NodeId, Record, Status};

fn downs(network: &Network) -> Vec<NodeId> {
    let down = |(_, _, event): &(_, _, MembershipEvent)| match event {
        MembershipEvent::Down(ids) => ids.clone(),
        _ => Vec::new(),
    };
    let mut downs: Vec<NodeId> = network.events.iter().flat_map(down).collect();
    downs.sort_unstable();
    downs.dedup();
    downs
}

/// Up to where a node knows each member.
fn known(
    machine: &mut Membership,
    peer: NodeId,
    now: Timestamp,
) -> BTreeMap<NodeId, (u64, Status, u64)> {
    machine.want_state_of(peer);
    let question = machine.state_question(now).unwrap();
    match Frame::decode(&question, 0).unwrap().part {
        Part::Question { known, .. } => {
            let of = |(id, incarnation, status, version)| (id, (incarnation, status, version));
            known.into_iter().map(of).collect()
        }
        Part::Answer { .. } => panic!("an answer"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever the seed: exactly the silent one is convicted, by all others, once.
    #[test]
    fn the_silent_one_and_nobody_else(count in 4usize..20, zones in 2usize..4, seed: u64) {
        let mut network = Network::new(count, zones, seed, Config::default());
        network.run(Duration::from_secs(8));
        prop_assert!(network.hosts.iter().all(|h| h.machine.as_ref().unwrap().alive() == count));
        network.events.clear();
        let victim = count - 1;
        network.kill(victim);
        network.run(Duration::from_secs(4));
        let id = network.hosts[victim].node.id;
        let down: Vec<_> = network.events.iter()
            .filter(|(.., event)| matches!(event, MembershipEvent::Down(_)))
            .map(|(_, n, event)| (*n, event.clone()))
            .collect();
        prop_assert_eq!(down.len(), count - 1);
        prop_assert!(down.iter().all(|(_, event)| *event == MembershipEvent::Down(vec![id])));
    }

    /// Who wakes up just when it is convicted comes back once, whatever each node has heard by then.
    #[test]
    fn who_wakes_up_while_it_is_convicted_comes_back_once(count in 5usize..14, millis in 700u64..1_400, seed: u64) {
        let mut network = Network::new(count, 3, seed, Config::default());
        network.run(Duration::from_secs(8));
        network.events.clear();
        network.stall(1, Duration::from_millis(millis));
        network.run(Duration::from_secs(25));
        let mut times = vec![0; count];
        for (_, n, event) in &network.events {
            times[*n] += u32::from(matches!(event, MembershipEvent::Down(_)));
        }
        prop_assert!(times.iter().all(|times| *times <= 1), "{times:?}");
        for n in 0..count {
            prop_assert_eq!(network.machine(n).alive(), count);
            prop_assert_eq!(network.machine(n).suspects().count(), 0);
        }
    }

    /// What a node has said as the process that others know now is not lost again: neither to one whom it contradicts.
    #[test]
    fn what_a_process_has_said_stays(seed: u64) {
        let mut network = Network::new(4, 2, seed, Config::default());
        for key in ["a", "b"] {
            let now = network.now;
            network.machine(0).set(key, Some(b"1"), Duration::ZERO, now).unwrap();
        }
        network.run(Duration::from_secs(8));
        let id = network.hosts[0].node.id;
        network.stall(0, Duration::from_millis(2_500));
        let mut last = vec![(0, Vec::new()); 4];
        for step in 0..3_000 {
            if step % 100 == 0 {
                let now = network.now;
                network.machine(0).set("c", Some(&[u8::try_from(step / 100).unwrap()]), Duration::ZERO, now).unwrap();
            }
            network.run(Duration::from_millis(2));
            for (n, last) in last.iter_mut().enumerate().skip(1) {
                let machine = network.machine(n);
                let nonce = machine.members().find(|record| record.node.id == id).unwrap().nonce;
                let keys: Vec<_> = machine.entries(id).map(|(key, _)| key.clone()).collect();
                if last.0 == nonce {
                    prop_assert!(last.1.iter().all(|key| keys.contains(key)), "n{n}: {:?}, then {keys:?}", last.1);
                }
                *last = (nonce, keys);
            }
        }
        // Whoever took it back last has compared notes with somebody by then.
        network.run(Duration::from_secs(15));
        for n in 1..4 {
            prop_assert_eq!(network.machine(n).entries(id).count(), 3, "n{}", n);
        }
        prop_assert!(!downs(&network).is_empty(), "it was convicted, and contradicted");
    }

    /// Of all that one node says most is lost: all others take it for down, and nobody else. Now and then it gets
    /// through and comes back until it is convicted again, so that is counted over time.
    #[test]
    fn the_lossy_one_and_nobody_else(count in 5usize..14, zones in 2usize..4, seed: u64) {
        let mut network = Network::new(count, zones, seed, Config::default());
        network.run(Duration::from_secs(8));
        network.events.clear();
        for other in 1..count {
            network.lose(0, other, 80);
        }
        network.run(Duration::from_secs(20));
        let id = network.hosts[0].node.id;
        let mut down = 0;
        for _ in 0..40 {
            network.run(Duration::from_secs(1));
            for n in 1..count {
                let is_down = |record: &Record| record.node.id == id && record.status != Status::Alive;
                down += usize::from(network.machine(n).members().any(|record| is_down(&record)));
            }
        }
        prop_assert!(down * 10 >= 40 * (count - 1) * 6, "{down} of {}", 40 * (count - 1));
        prop_assert_eq!(downs(&network), vec![id]);
        for n in 1..count {
            let convicted = |(_, by, event): &(_, _, MembershipEvent)| *by == n && matches!(event, MembershipEvent::Down(_));
            prop_assert!(network.events.iter().any(convicted), "n{n}");
        }
    }

    /// Every fourth node stands still again and again, for up to 900 ms.
    #[test]
    fn stalls_of_a_quarter_convict_nobody_healthy(seed: u64) {
        let mut network = Network::new(16, 3, seed, Config::default());
        network.run(Duration::from_secs(8));
        let mut rng = Rng::new(seed);
        for _ in 0..30 {
            for n in (0..16).step_by(4) {
                network.stall(n, Duration::from_millis(rng.below(900)));
            }
            network.run(Duration::from_secs(1));
        }
        for id in downs(&network) {
            let n = network.hosts.iter().position(|host| host.node.id == id).unwrap();
            prop_assert!(n % 4 == 0, "n{n}");
        }
    }

    /// Over a stream one learns exactly what the other knows, of the processes that are known, whatever both know before;
    /// and it is asked for once.
    #[test]
    fn a_state_is_whole_and_told_once(count in 3usize..60, words in 0usize..20, apart in 0u64..4, seed: u64) {
        let mut network = Network::new(count, 3, seed, Config::default());
        for n in 0..count {
            let now = network.now;
            for key in 0..words {
                let key = format!("k{key}");
                let said = network.machine(n).set(&key, Some(&[7; 150]), Duration::ZERO, now);
                prop_assert!(said.is_ok());
            }
        }
        network.run(Duration::from_secs(2 + apart));
        let now = network.now;
        // The first one is asked by a stranger that knows nobody, and by the last one, that knows something.
        let node = Node { id: NodeId(1), name: "new".into(), zone: "z".into(), addr: addr(9_000) };
        let mut stranger = Membership::new(Config::default(), node, 0, Vec::new(), seed, now);
        let mut first = network.hosts[0].machine.take().unwrap();
        let peer = network.hosts[0].node.id;
        let known_of_first = known(&mut first, network.hosts[1].node.id, now);
        for asks in [&mut stranger, network.machine(count - 1)] {
            asks.want_state_of(peer);
            let mut answers = 0;
            while let Some(question) = asks.state_question(now) {
                let answer = first.answer_state(&question, now).unwrap();
                prop_assert!(answer.len() <= FRAME_MAX);
                answers += 1;
                prop_assert!(answers < 60, "it goes on and on");
                if asks.take_state(&answer, now).unwrap() {
                    break;
                }
                // What was taken is not taken twice.
                prop_assert!(asks.take_state(&answer, now).is_err() || asks.state_question(now).is_none());
                asks.want_state_of(peer);
            }
            let known = known(asks, peer, now);
            let own = asks.own_record().unwrap().node.id;
            for (id, theirs) in known_of_first.iter().filter(|(id, _)| **id != own) {
                prop_assert!(known.get(id).is_some_and(|ours| ours >= theirs), "{id}: {:?} of {theirs:?}", known.get(id));
            }
        }
    }

    /// Whatever is said on a stream, a node bears it, and takes nothing that it did not ask for.
    #[test]
    fn garbage_on_a_stream_changes_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 0u8..3) {
        let mut network = Network::new(3, 1, 5, Config::default());
        network.run(Duration::from_secs(3));
        let now = network.now;
        let before: Vec<Record> = network.machine(0).members().collect();
        let head = Packet { from: network.hosts[1].node.id, incarnation: 1, body: Body::Gossip(Vec::new()) }.encode(0);
        let frame = [&head[..17], &[kind], bytes.as_slice()].concat();
        let machine = network.machine(0);
        prop_assert!(machine.take_state(&frame, now).is_err());
        if let Ok(answer) = machine.answer_state(&frame, now) {
            prop_assert!(answer.len() <= FRAME_MAX);
        }
        prop_assert_eq!(machine.members().collect::<Vec<_>>(), before);
    }

    /// No second sees more bytes than the budget, with loss, death and metadata.
    #[test]
    fn the_budget_holds(seed: u64) {
        let config = Config { bytes_per_second: 3_000, ..Config::default() };
        let mut network = Network::new(12, 3, seed, config);
        network.run(Duration::from_secs(4));
        for n in 0..12 {
            let now = network.now;
            for key in 0..30 {
                let set = network.machine(n).set(&format!("k{key}"), Some(&[7; 100]), Duration::ZERO, now);
                prop_assert!(set.is_ok());
            }
            network.lose(n, (n + 1) % 12, 50);
        }
        network.kill(3);
        network.run(Duration::from_secs(6));
        let most = network.bytes.values().max().copied().unwrap_or(0);
        prop_assert!(most <= 3_000 && most > 1_000, "{most}");
    }

    /// Whatever comes from outside, a node bears it, keeps its limits and stays what it is.
    #[test]
    fn garbage_changes_nothing_about_oneself(packets in proptest::collection::vec(
        (1u8..14, proptest::collection::vec(any::<u8>(), 0..120)), 0..60)) {
        let node = Node { id: NodeId(5), name: "n5".into(), zone: "z".into(), addr: addr(5) };
        let mut now = Timestamp::from_secs(1);
        let mut machine = Membership::new(Config::default(), node, 0, vec![addr(0)], 9, now);
        let head = Packet { from: NodeId(1), incarnation: 1, body: Body::Gossip(Vec::new()) }.encode(0);
        for (kind, mut rest) in packets {
            let mut bytes = head[..head.len() - 2].to_vec();
            bytes.push(kind);
            bytes.append(&mut rest);
            let refused = machine.handle_packet(addr(1), &bytes, now);
            prop_assert!(refused.is_ok() || machine.counters().refused > 0);
            now = now + Duration::from_millis(40);
            machine.handle_timeout(now);
            while machine.poll_transmit().is_some() {}
        }
        let own = machine.members().find(|record| record.node.id == NodeId(5)).unwrap();
        prop_assert_eq!((own.status, own.node.addr), (Status::Alive, addr(5)));
        prop_assert!(machine.poll_timeout().is_some());
    }
}
