//! Drives the membership core: one thread, one socket, one clock.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{SocketAddr, UdpSocket as StdSocket};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ninefold_cluster::membership::wire::PACKET_MAX;
use ninefold_cluster::membership::{Config, Membership, MembershipEvent, Node, NodeId};
use ninefold_core::observation::HostWord;
use ninefold_core::status::SyncStatus;
use ninefold_core::time::{Timestamp, nanos};
use ninefold_trust::rotation::Keys;
use ninefold_trust::seal::OVERHEAD;
use ninefold_trust::{Expelled, Identity, SecretsFolder};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot, watch};

use super::credentials::Credentials;
use super::keys::KeyKeeper;
use super::lifeline::{self, Lifelines, Word};
use super::options::ClusterOptions;
use super::renewal::{AUTHORITY_KEY, Renewals};
use super::sealing::Sealing;
use super::streams::Streams;
use super::sync::{ASKS_MAX, Ask};
use super::view::{Entries, MemberView, Shared, View};

mod asked;

/// Commands that wait at most; who says more waits.
const COMMANDS_MAX: usize = 256;
/// Words of hosts that wait at most; a lifeline waits with its own until there is room.
const WORDS_MAX: usize = 64;
/// Packets that are taken at once, before timers and commands have their turn.
const BATCH_MAX: usize = 256;
/// How long packets wait behind some that were all refused.
const REFUSED_PAUSE: Duration = Duration::from_millis(1);
/// How old a view may be where nothing has happened: who is accused changes without an event.
const VIEW_AGE: Duration = Duration::from_millis(200);
/// A datagram that is larger is none of ours; one byte more shows that.
const DATAGRAM_MAX: usize = PACKET_MAX + OVERHEAD + 1;

#[derive(Debug)]
enum Command {
    /// This node says so about itself.
    Say { key: String, value: Option<Vec<u8>> },
    /// It leaves in order, or falls silent so that another process goes on.
    End {
        leave: bool,
        done: oneshot::Sender<()>,
    },
}

/// A node that gossips. It falls silent when this is dropped.
#[derive(Debug)]
pub(crate) struct Gossip {
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Gossip {
    /// Binds the socket and begins. `incarnation`: the last one that is known of this node, or 0.
    ///
    /// # Errors
    /// When the address cannot be bound, or no thread started.
    pub(crate) fn start(
        options: &ClusterOptions,
        cluster: &str,
        incarnation: u64,
    ) -> io::Result<Self> {
        let socket = StdSocket::bind(options.gossip)?;
        socket.set_nonblocking(true)?;
        let addr = socket.local_addr()?;
        // 0 is no process.
        let seed = RandomState::new().hash_one(std::process::id()).max(1);
        let credentials = Credentials::new(options.identity.clone())?;
        let keys = KeyKeeper::load(credentials.clone(), options.secrets.clone())?;
        let present = keys.present();
        let of = (cluster, incarnation);
        let mut driver = Driver::new(options, of, &present, addr, seed)?;
        driver.keep_out(present.expelled());
        let (commands, received) = mpsc::channel(COMMANDS_MAX);
        let shared = Arc::new(Shared::new(driver.view(0, SyncStatus::default())));
        driver.shared = Some(Arc::clone(&shared));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let (lines, note) = lifeline::listen(addr)?;
        if let Some(note) = note {
            tracing::warn!("{note}");
            shared.note(note);
        }
        let life = (lines.local_addr()?, seed);
        let (goodbye, said) = watch::channel(false);
        let (asks, asked) = mpsc::channel(ASKS_MAX);
        let renewals = Renewals::load(credentials.clone(), options.secrets.clone())?;
        let (authority, until) = (renewals.has_authority(), renewals.until());
        let streams = Streams::start(
            (lines, seed),
            (Arc::new(renewals), Arc::new(keys)),
            credentials.clone(),
            said,
            asks,
            Arc::clone(&shared),
        )?;
        let noted = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("gossip".to_owned())
            .spawn(move || {
                let ended = runtime.block_on(async {
                    let socket = UdpSocket::from_std(socket)?;
                    let (says, words) = mpsc::channel(WORDS_MAX);
                    let lifelines = Lifelines::new(life, credentials, goodbye, says, noted);
                    // First of all, so that a newcomer is told it first.
                    driver.say(lifeline::KEY, Some(lifelines.told().as_bytes()));
                    if authority {
                        driver.say(AUTHORITY_KEY, Some(b"1"));
                    }
                    driver.say_until(until.unwrap_or_default());
                    driver.say_keys();
                    let mut heard = Heard {
                        commands: received,
                        words,
                        asked,
                    };
                    driver.run(&socket, lifelines, &streams, &mut heard).await
                });
                streams.join();
                if let Err(error) = ended {
                    tracing::error!(%error, "gossip ended: this node will be taken for dead");
                }
            })?;
        Ok(Self {
            commands,
            shared,
            thread: Some(thread),
        })
    }

    /// What this thread knows.
    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Says something about this node to all others; whether it was taken. If not, say it again later.
    pub(crate) fn say(&self, key: String, value: Option<Vec<u8>>) -> bool {
        self.commands.try_send(Command::Say { key, value }).is_ok()
    }

    /// Ends. With `leave` the others are told; without, another process goes on for this node.
    pub(crate) async fn end(mut self, leave: bool) {
        let (done, ended) = oneshot::channel();
        if self
            .commands
            .send(Command::End { leave, done })
            .await
            .is_ok()
        {
            // An error says that the thread has ended, which is as good.
            ended.await.ok();
        }
        if let Some(thread) = self.thread.take()
            && let Err(error) = tokio::task::spawn_blocking(move || thread.join()).await
        {
            tracing::error!(%error, "the gossiping thread ended badly");
        }
    }

    /// Falls silent without a word, as a process that is killed does. Its ports are free then.
    #[cfg(test)]
    pub(super) fn kill(mut self) {
        let thread = self.thread.take();
        drop(self);
        thread.unwrap().join().unwrap();
    }
}

/// Monotonic time as the core wants it.
#[derive(Clone, Copy, Debug)]
struct Clock(Instant);

impl Clock {
    /// From one second on: what happened before the start has a time, too.
    fn now(self) -> Timestamp {
        Timestamp::from_secs(1) + self.0.elapsed()
    }

    fn instant(self, at: Timestamp) -> Instant {
        let since = nanos(at.since(Timestamp::from_secs(1)));
        self.0 + Duration::from_nanos(since)
    }
}

/// What others in this process want of the gossiping thread, or tell it.
struct Heard {
    commands: mpsc::Receiver<Command>,
    words: mpsc::Receiver<Word>,
    asked: mpsc::Receiver<Ask>,
}

struct Driver {
    machine: Membership,
    sealing: Sealing,
    /// Who is no member any more.
    expelled: Arc<Expelled>,
    /// Packets by unknown keys, when it was last looked who may know them, and when that was.
    unknown_keys: (u64, Instant),
    /// Whether it was said that nobody understands this node.
    lost: bool,
    secrets: SecretsFolder,
    me: NodeId,
    clock: Clock,
    /// What each member says, as handed out last.
    entries: BTreeMap<NodeId, Arc<Entries>>,
    /// What the hosts of those say that do not answer.
    hosts: BTreeMap<NodeId, HostWord>,
    identity: Identity,
    shared: Option<Arc<Shared>>,
    viewed: Instant,
}

impl Driver {
    /// A node that knows nobody yet, at an address.
    fn new(
        options: &ClusterOptions,
        (cluster, incarnation): (&str, u64),
        keys: &Keys,
        addr: SocketAddr,
        seed: u64,
    ) -> io::Result<Self> {
        let node = Node {
            id: node_id(cluster, &options.name()),
            name: options.name(),
            zone: options.zone.clone().unwrap_or_default(),
            addr,
        };
        let config = Config {
            cluster: NodeId::of_name(cluster).0,
            ..Config::default()
        };
        let (me, clock) = (node.id, Clock(Instant::now()));
        let mut seeds = options.seeds.clone();
        seeds.retain(|seed| *seed != addr);
        Ok(Self {
            machine: Membership::new(config, node, incarnation, seeds, seed, clock.now()),
            sealing: Sealing::new(keys, me)?,
            expelled: Arc::default(),
            unknown_keys: (0, Instant::now()),
            lost: false,
            secrets: options.secrets.clone(),
            me,
            clock,
            entries: BTreeMap::new(),
            hosts: BTreeMap::new(),
            identity: options.identity.clone(),
            shared: None,
            viewed: Instant::now(),
        })
    }

    async fn run(
        &mut self,
        socket: &UdpSocket,
        mut lifelines: Lifelines,
        streams: &Streams,
        heard: &mut Heard,
    ) -> io::Result<()> {
        let mut buffer = [0; DATAGRAM_MAX];
        loop {
            if let Some(members) = self.flush(socket, &lifelines, streams).await {
                lifelines.hold(&members.members);
            }
            let due = self.machine.poll_timeout();
            let due = due.map_or_else(
                || Instant::now() + VIEW_AGE,
                |due| self.clock.instant(due).min(self.viewed + VIEW_AGE),
            );
            tokio::select! {
                biased;
                command = heard.commands.recv() => match command {
                    Some(Command::Say { key, value }) => self.say(&key, value.as_deref()),
                    Some(Command::End { leave, done }) => {
                        lifelines.goodbye().await;
                        if leave {
                            self.machine.leave(self.clock.now());
                            self.flush(socket, &lifelines, streams).await;
                        }
                        done.send(()).ok();
                        return Ok(());
                    }
                    None => return Ok(()),
                },
                Some(word) = heard.words.recv() => self.host_says(word),
                received = socket.recv_from(&mut buffer) => {
                    let mut taken = self.received(&mut buffer, received);
                    for _ in 1..BATCH_MAX {
                        match socket.try_recv_from(&mut buffer) {
                            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                            received => taken |= self.received(&mut buffer, received),
                        }
                    }
                    if !taken {
                        // Whoever floods this port is not to wake this thread for each of his packets.
                        tokio::time::sleep(REFUSED_PAUSE).await;
                    }
                    // A flood must not keep timers, or streams, from their turn.
                    self.machine.handle_timeout(self.clock.now());
                    if let Ok(ask) = heard.asked.try_recv() {
                        self.asked(ask);
                    }
                }
                Some(ask) = heard.asked.recv() => {
                    self.asked(ask);
                    self.machine.handle_timeout(self.clock.now());
                }
                () = tokio::time::sleep_until(due.into()) => {
                    self.machine.handle_timeout(self.clock.now());
                }
            }
        }
    }

    /// Whether a packet was one of a member.
    fn received(&mut self, buffer: &mut [u8], received: io::Result<(usize, SocketAddr)>) -> bool {
        let (length, from) = match received {
            Ok(received) => received,
            Err(error) => {
                // As in a port that is not open: that says nothing that silence would not.
                tracing::debug!(%error, "nothing was received");
                return true;
            }
        };
        let packet = buffer.get_mut(..length).unwrap_or_default();
        let plain = match self.sealing.open(packet, from) {
            Ok(plain) => plain,
            Err(error) => {
                tracing::debug!(%from, %error, "a packet was refused");
                return false;
            }
        };
        let taken = self.machine.handle_packet(from, plain, self.clock.now());
        if let Err(error) = taken {
            tracing::debug!(%from, %error, "a packet was refused");
        }
        true
    }

    /// Opens a stream to a member whose state is wanted, if it has said where.
    fn fetch(&mut self, id: NodeId, streams: &Streams) {
        let mut members = self.machine.members();
        let member = members.find(|record| record.node.id == id);
        let fetch = member.and_then(|member| self.place(&member));
        drop(members);
        if !fetch.is_some_and(|fetch| streams.fetch(fetch)) {
            self.machine.state_failed(self.clock.now());
        }
    }

    /// What the host of a process says that this node observes. It counts unless another process of that node is known
    /// already.
    fn host_says(&mut self, word: Word) {
        let mut members = self.machine.members();
        let member = members.find(|record| record.node.id == word.id);
        let said = self.machine.entry(word.id, lifeline::KEY);
        let (Some(member), Some(said)) = (member, said) else {
            return;
        };
        if !word.is_of(member.node.addr.ip(), said) {
            return;
        }
        drop(members);
        if word.says == HostWord::Ended {
            let now = self.clock.now();
            self.machine.process_ended(word.id, member.nonce, now);
        } else {
            self.hosts.insert(word.id, word.says);
        }
    }

    fn say(&mut self, key: &str, value: Option<&[u8]>) {
        self.entries.remove(&self.me);
        let said = self
            .machine
            .set(key, value, Duration::ZERO, self.clock.now());
        if let Err(error) = said {
            tracing::error!(key, %error, "other nodes are not told");
        }
    }

    /// Sends what is to be sent, and hands out what has changed.
    async fn flush(
        &mut self,
        socket: &UdpSocket,
        lifelines: &Lifelines,
        streams: &Streams,
    ) -> Option<Arc<View>> {
        while let Some(transmit) = self.machine.poll_transmit() {
            let sent = match self.sealing.seal(&transmit.bytes, transmit.to) {
                Ok(packet) => socket.send_to(packet, transmit.to).await,
                Err(error) => Err(io::Error::other(error)),
            };
            if let Err(error) = sent {
                tracing::debug!(to = %transmit.to, %error, "a packet was not sent");
            }
        }
        let mut news = false;
        while let Some(event) = self.machine.poll_event() {
            news = true;
            if let Some(owner) = owner(&event) {
                self.entries.remove(&owner);
            }
            match &event {
                MembershipEvent::Silent(id) => lifelines.look(*id),
                MembershipEvent::StateWanted(id) => self.fetch(*id, streams),
                MembershipEvent::Direct(id)
                | MembershipEvent::Joined {
                    node: Node { id, .. },
                    ..
                } => {
                    self.hosts.remove(id);
                }
                _ => {}
            }
            if let Some(shared) = &self.shared {
                shared.push(event);
            }
        }
        if !news && self.viewed.elapsed() < VIEW_AGE {
            return None;
        }
        self.viewed = Instant::now();
        let view = Arc::new(self.view(lifelines.held(), streams.counts().status()));
        if let Some(shared) = &self.shared {
            shared.set_view(Arc::clone(&view));
            if news {
                shared.changed.notify_one();
            }
        }
        Some(view)
    }

    fn view(&mut self, lifelines: usize, syncs: SyncStatus) -> View {
        let now = self.clock.now();
        let accused: BTreeMap<NodeId, usize> = self.machine.suspects().collect();
        let records: Vec<_> = self.machine.members().collect();
        let members = records.into_iter().map(|record| {
            let id = record.node.id;
            let machine = &self.machine;
            let entries = self.entries.entry(id).or_insert_with(|| {
                let entries = machine.entries(id);
                Arc::new(
                    entries
                        .map(|(key, value)| (Arc::clone(key), Arc::clone(value)))
                        .collect(),
                )
            });
            MemberView {
                id,
                name: record.node.name,
                zone: record.node.zone,
                addr: record.node.addr,
                status: record.status,
                incarnation: record.incarnation,
                nonce: record.nonce,
                host: if machine.has_ended(id) {
                    HostWord::Ended
                } else {
                    self.hosts.get(&id).copied().unwrap_or(HostWord::Unasked)
                },
                path: machine.path(id),
                look: machine.look(id),
                withheld: machine.is_withheld(id),
                accused_by: accused.get(&id).copied().unwrap_or(0),
                warming: machine.is_warming(id, now),
                entries: Arc::clone(entries),
            }
        });
        View {
            me: self.me,
            members: members.collect(),
            lifelines,
            health: self.machine.health(),
            isolated: self.machine.is_isolated(),
            incarnation: self.machine.incarnation(),
            counters: self.machine.counters(),
            seals: self.sealing.counters(),
            keys: self.sealing.status(),
            expelled: Arc::clone(&self.expelled),
            syncs,
        }
    }
}

/// Nodes are known by their names.
fn node_id(cluster: &str, name: &str) -> NodeId {
    NodeId::of_name(&format!("{cluster}/{name}"))
}

/// Of whom an event may have changed the entries.
fn owner(event: &MembershipEvent) -> Option<NodeId> {
    match event {
        MembershipEvent::Joined { node, .. } => Some(node.id),
        MembershipEvent::Restarted(id) | MembershipEvent::Left(id) => Some(*id),
        MembershipEvent::Entry { owner, .. } => Some(*owner),
        _ => None,
    }
}
