//! A few nodes in one process, over real sockets.

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ninefold_cluster::membership::{MembershipEvent, Status};
use ninefold_core::rng::Rng;
use ninefold_core::status::SyncStatus;
use ninefold_core::time::Timestamp;
use ninefold_trust::{Identity, SecretsFolder, local, renew};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::credentials::Credentials;
use super::{ClusterOptions, Gossip, MemberView, UNTIL_KEY, lifeline, sync};

const PATIENCE: Duration = Duration::from_secs(10);

mod keys;

struct Nodes {
    _folder: tempfile::TempDir,
    states: Vec<PathBuf>,
    gossips: Vec<Option<Gossip>>,
    addresses: Vec<SocketAddr>,
}

impl Nodes {
    fn start(count: usize) -> Self {
        let mut nodes = Self::prepare(count);
        for _ in 0..count {
            nodes.start_next();
        }
        nodes
    }

    /// Identities, and nobody who runs.
    fn prepare(count: usize) -> Self {
        Self::prepare_at(count, crate::control::now())
    }

    /// Identities that were made at that time.
    fn prepare_at(count: usize, at: Timestamp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let states: Vec<PathBuf> = (1..=count)
            .map(|n| folder.path().join(format!("n{n}")))
            .collect();
        for state in &states {
            std::fs::create_dir(state).unwrap();
        }
        local::prepare_at(&states, "test", at).unwrap();
        Self {
            _folder: folder,
            states,
            gossips: Vec::new(),
            addresses: Vec::new(),
        }
    }

    fn identity(&self, n: usize) -> (SecretsFolder, Identity) {
        let secrets = SecretsFolder::of_state(&self.states[n]);
        let identity = Identity::load(&secrets, crate::control::now());
        (secrets, identity.unwrap().unwrap())
    }

    /// One more, who asks all before it to take it in.
    fn start_next(&mut self) {
        let gossip = self.start_one(self.gossips.len(), ([127, 0, 0, 1], 0).into(), 0);
        let own = gossip.shared().view().members[0].addr;
        self.addresses.push(own);
        self.gossips.push(Some(gossip));
    }

    /// One ends without a word.
    fn kill(&mut self, n: usize) {
        self.gossips[n].take().unwrap().kill();
    }

    /// One that has ended, as another process of it.
    fn start_again(&mut self, n: usize) {
        let gossip = self.start_one(n, self.addresses[n], 1);
        self.gossips[n] = Some(gossip);
    }

    fn start_one(&self, n: usize, gossip: SocketAddr, incarnation: u64) -> Gossip {
        let (secrets, identity) = self.identity(n);
        let options = ClusterOptions {
            identity,
            secrets,
            zone: None,
            gossip,
            seeds: self.addresses.clone(),
        };
        Gossip::start(&options, "test", incarnation).unwrap()
    }

    fn syncs(&self, n: usize) -> SyncStatus {
        self.gossips[n].as_ref().unwrap().shared().view().syncs
    }

    /// Waits until that is so of a node's streams.
    fn until_synced(&self, n: usize, holds: impl Fn(SyncStatus) -> bool) {
        let asked = Instant::now();
        while !holds(self.syncs(n)) {
            assert!(asked.elapsed() < PATIENCE, "{:?}", self.syncs(n));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Where the streams of a node end, as it says itself.
    fn port(&self, n: usize) -> SocketAddr {
        let asked = Instant::now();
        loop {
            let view = self.gossips[n].as_ref().unwrap().shared().view();
            let own = view.members.iter().find(|one| one.id == view.me).unwrap();
            let said = own.entries.get(lifeline::KEY);
            if let Some(addr) = said.and_then(|said| lifeline::address(own.addr.ip(), said)) {
                return addr;
            }
            assert!(asked.elapsed() < PATIENCE, "it says nothing");
            std::thread::sleep(Duration::from_millis(5));
        }
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
    nodes.kill(2);
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

/// Words that are far more than a packet holds.
fn speak(gossip: &Gossip) {
    for n in 0..40 {
        let said = gossip.say(format!("k{n}"), Some(vec![b'v'; 400]));
        assert!(said, "its queue is full");
    }
}

fn knows_all_words(members: &[MemberView]) -> bool {
    let speakers = members.iter().filter(|one| &*one.name != "n4");
    let knows = |one: &MemberView| (0..40).all(|n| one.entries.contains_key(&*format!("k{n}")));
    speakers.clone().count() == 3 && speakers.clone().all(knows)
}

#[test]
fn a_newcomer_learns_what_all_say_over_a_stream() {
    let mut nodes = Nodes::prepare(4);
    for _ in 0..3 {
        nodes.start_next();
        speak(nodes.gossips.last().unwrap().as_ref().unwrap());
    }
    nodes.all_there();
    nodes.until("they know each other's words", knows_all_words);
    nodes.start_next();
    let took = nodes.until("n4 knows all words", knows_all_words);
    println!("known after {took:?}");
    nodes.until_synced(3, |syncs| syncs.fetched > 0);
    let fourth = nodes.gossips[3].as_ref().unwrap();
    let news = fourth.shared().take_news();
    let taken = news.iter().find_map(|event| match event {
        MembershipEvent::StateTaken { from, entries, .. } => Some((*from, *entries)),
        _ => None,
    });
    let (from, entries) = taken.unwrap();
    assert!(entries > 40, "{entries}");
    let view = fourth.shared().view();
    assert!(
        view.members
            .iter()
            .any(|one| one.id == from && one.id != view.me)
    );
    let served = (0..3).map(|n| nodes.syncs(n).served).sum::<u64>();
    assert!(served > 0);
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// One who asks a node for its state, with another node's identity.
async fn open(
    (by, to): (&Identity, &Identity),
    addr: SocketAddr,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut config = (*by.client_config().unwrap()).clone();
    config.alpn_protocols = vec![sync::PROTOCOL.to_vec()];
    let name = by.server_name(to.node()).unwrap();
    let stream = TcpStream::connect(addr).await?;
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

#[test]
fn who_has_no_certificate_of_the_cluster_gets_no_state_and_is_counted() {
    let mut nodes = Nodes::prepare(1);
    nodes.start_next();
    let strangers = Nodes::prepare(1);
    let (addr, own, other) = (nodes.port(0), nodes.identity(0).1, strangers.identity(0).1);
    runtime().block_on(async {
        // He does not believe the node, and it does not believe him.
        assert!(open((&other, &own), addr).await.is_err());
        let mut garbage = TcpStream::connect(addr).await.unwrap();
        garbage
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        assert!(garbage.read_to_end(&mut Vec::new()).await.is_ok());
    });
    nodes.until_synced(0, |syncs| syncs.strangers == 2);
    assert_eq!(
        (nodes.syncs(0).served, nodes.syncs(0).serves_failed),
        (0, 0)
    );
    // One that only looks whether somebody listens is no stranger.
    drop(std::net::TcpStream::connect(addr).unwrap());
    runtime().block_on(async {
        let mut good = open((&own, &own), addr).await.unwrap();
        good.shutdown().await.unwrap();
    });
    nodes.until_synced(0, |syncs| syncs.served == 1);
    assert_eq!(nodes.syncs(0).strangers, 2);
}

#[test]
fn who_stops_in_the_middle_holds_a_place_for_a_while_and_nothing_else() {
    let mut nodes = Nodes::prepare(2);
    nodes.start_next();
    let (addr, own, other) = (nodes.port(0), nodes.identity(0).1, nodes.identity(1).1);
    runtime().block_on(async {
        let mut stopped = Vec::new();
        for half in 0..sync::SERVED_MAX {
            let mut stream = open((&other, &own), addr).await.unwrap();
            // Not even the length, or not all that was announced.
            let begun: &[u8] = if half % 2 == 0 {
                &[0, 0]
            } else {
                &[0, 0, 1, 0, 7]
            };
            stream.write_all(begun).await.unwrap();
            stream.flush().await.unwrap();
            stopped.push(stream);
        }
        // There is no place left, and that is said.
        let mut late = open((&other, &own), addr).await.unwrap();
        assert_eq!(late.read_u32().await.unwrap(), 0);
        nodes.start_next();
        nodes.all_there();
        nodes.until_synced(0, |syncs| {
            syncs.serves_failed == 4 && syncs.serves_refused > 0
        });
        // The places are free again, and garbage frees its own at once.
        let mut garbage = open((&other, &own), addr).await.unwrap();
        garbage.write_all(&[0, 0, 0, 2, 9, 9]).await.unwrap();
        nodes.until_synced(0, |syncs| syncs.serves_failed == 5);
        let mut large = open((&other, &own), addr).await.unwrap();
        large.write_all(&[0xff; 4]).await.unwrap();
        nodes.until_synced(0, |syncs| syncs.serves_failed == 6);
        drop(stopped);
    });
}

#[test]
fn one_that_serves_and_stops_is_a_failure_in_time() {
    let nodes = Nodes::prepare(2);
    let (client, server) = (nodes.identity(0).1, nodes.identity(1).1);
    runtime().block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mut config = (*server.server_config().unwrap()).clone();
        config.alpn_protocols = vec![sync::PROTOCOL.to_vec()];
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let (fetches, wanted) = tokio::sync::mpsc::channel(1);
        let (asks, mut asked) = tokio::sync::mpsc::channel(sync::ASKS_MAX);
        let counts = Arc::new(sync::Counts::default());
        let credentials = Credentials::new(client.clone()).unwrap();
        let fetching = sync::fetch_all(wanted, credentials, asks, Arc::clone(&counts));
        tokio::spawn(fetching);
        let name = client.server_name(server.node()).unwrap();
        // An answer that never ends, nobody who listens, and a larger answer than any.
        for begun in [Some([0, 0, 1, 0]), None, Some([0xff; 4])] {
            let addr = if begun.is_some() {
                addr
            } else {
                ([127, 0, 0, 1], 1).into()
            };
            let name = name.clone();
            fetches.send(sync::Fetch { addr, name }).await.unwrap();
            let mut stream = None;
            if let Some(begun) = begun {
                let (tcp, _) = listener.accept().await.unwrap();
                let mut tls = acceptor.accept(tcp).await.unwrap();
                let Some(sync::Ask::Question(reply)) = asked.recv().await else {
                    panic!("no question");
                };
                reply.send(Some(vec![1; 10])).unwrap();
                assert_eq!(tls.read_u32().await.unwrap(), 10);
                tls.write_all(&begun).await.unwrap();
                tls.flush().await.unwrap();
                stream = Some(tls);
            }
            let failed = tokio::time::timeout(PATIENCE, asked.recv()).await.unwrap();
            assert!(matches!(failed, Some(sync::Ask::Failed)));
            drop(stream);
        }
        assert_eq!(
            (counts.status().fetches_failed, counts.status().fetched),
            (3, 0)
        );
    });
}

/// How many days its certificate is good for, as a node says itself to another one.
fn days_left(of: &str, members: &[MemberView]) -> Option<u64> {
    let member = members.iter().find(|one| &*one.name == of)?;
    let until = std::str::from_utf8(member.entries.get(UNTIL_KEY)?).ok()?;
    let until = Timestamp::from_secs(until.parse().ok()?);
    Some(until.since(crate::control::now()).as_secs() / 86_400)
}

#[test]
fn certificates_in_their_last_third_are_renewed_and_used_without_a_restart() {
    let made = Duration::from_secs(300 * 86_400);
    let now = crate::control::now();
    let mut nodes = Nodes::prepare_at(3, Timestamp::from_secs(now.as_secs() - made.as_secs()));
    let before: Vec<Identity> = (0..3).map(|n| nodes.identity(n).1).collect();
    for _ in 0..3 {
        nodes.start_next();
    }
    nodes.all_there();
    // The first has the authority, and renews its own and those of the others.
    nodes.until("all say that they have new ones", |members| {
        let new = |of: &&str| days_left(of, members).is_some_and(|days| days > 360);
        ["n1", "n2", "n3"].iter().all(new)
    });
    let notes: Vec<String> = (0..3)
        .flat_map(|n| nodes.gossips[n].as_ref().unwrap().shared().take_notes())
        .collect();
    for expected in [
        "certificate of n2 renewed",
        "certificate renewed by n1, until ",
    ] {
        assert!(
            notes.iter().any(|note| note.starts_with(expected)),
            "{notes:?}"
        );
    }
    // Each is on the disk, whole, and is what the node shows now: one that is seen is another than before.
    let shown = |identity: &Identity, addr| {
        runtime().block_on(async {
            let stream = open((identity, &before[1]), addr).await.unwrap();
            let shown = stream.get_ref().1.peer_certificates().unwrap();
            shown[0].clone()
        })
    };
    let seen = shown(&before[2], nodes.port(1));
    let (_, renewed) = nodes.identity(1);
    let days = renewed.validity(now).unwrap().until.since(now).as_secs() / 86_400;
    assert!(days > 360, "{days}");
    assert_eq!(seen, renewed.shown().unwrap());
    assert_ne!(seen, before[1].shown().unwrap());
    // Both old and new are believed, as long as they are good.
    assert_eq!(shown(&renewed, nodes.port(1)), seen);
}

#[test]
fn who_is_not_the_holder_of_the_name_gets_no_certificate() {
    let mut nodes = Nodes::prepare(2);
    nodes.start_next();
    let (addr, one, two) = (nodes.port(0), nodes.identity(0).1, nodes.identity(1).1);
    let ask = |by: &Identity, of: &Identity| {
        runtime().block_on(async {
            let mut config = (*by.client_config().unwrap()).clone();
            config.alpn_protocols = vec![renew::PROTOCOL.to_vec()];
            let stream = TcpStream::connect(addr).await.unwrap();
            let name = by.server_name(one.node()).unwrap();
            let connector = TlsConnector::from(Arc::new(config));
            let mut stream = connector.connect(name, stream).await.unwrap();
            let (_, connection) = stream.get_ref();
            let binding = connection.export_keying_material([0; 32], renew::LABEL, None);
            let renewal = renew::Renewal::begin().unwrap();
            let request = renewal.request(of, &binding.unwrap()).unwrap();
            sync::write(&mut stream, &request).await.unwrap();
            let answer = sync::read(&mut stream, renew::MESSAGE_MAX)
                .await
                .unwrap()
                .unwrap();
            renewal.finish(of, &answer, crate::control::now())
        })
    };
    assert!(ask(&two, &two).is_ok());
    let refused = ask(&two, &one).unwrap_err();
    assert!(refused.to_string().contains("not n1's"), "{refused}");
}
