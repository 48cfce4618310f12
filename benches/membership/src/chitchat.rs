//! chitchat, driven by the simulator: its task runs as it is, on a tokio runtime of each node's own whose clock goes where
//! the simulator's goes, over a transport that hands its packets to the simulator. Which peers it draws is decided by
//! numbers of the system, which no seed reaches: a run is not replayed, it is repeated.
//!
//! How it writes its messages is private. A transport of its own writes and reads each, and says how long it was; through
//! the simulator goes as much, with a number in front under which the message is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use chitchat::transport::{ChannelTransport, RecvOutcome, SendOutcome, Socket, Transport};
use chitchat::{
    ChitchatConfig, ChitchatEnvelope, ChitchatHandle, ChitchatId, FailureDetectorConfig,
    ProtocolVersion, spawn_chitchat,
};
use ninefold_core::time::Timestamp;
use ninefold_sim::node::Boot;
use ninefold_sim::{Context, Event, Node, NodeId};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

/// As its own programs have it.
const INTERVAL: Duration = Duration::from_secs(1);
/// tokio's timers fire up to a millisecond late.
const LATE: Duration = Duration::from_millis(1);
/// Whom everybody asks first.
const SEEDS: u32 = 3;
/// How often its task is given a turn until it has nothing more to do: one turn takes all that is there.
const TURNS: usize = 3;
const PORT: u16 = 7_280;
/// What fits into a datagram of UDP over IPv4.
const DATAGRAM: usize = 65_507;
const BEGIN: u64 = u64::MAX;
const TICK: u64 = 0;

/// Messages under way at most; what the network loses stays until then.
const PARCELS: usize = 20_000;
/// Of the number that stands in front of a packet.
const NUMBER: usize = 8;

/// Messages that are under way, by number.
#[derive(Debug, Default)]
pub(crate) struct Parcels {
    last: u64,
    kept: BTreeMap<u64, ChitchatEnvelope>,
}

impl Parcels {
    fn keep(&mut self, envelope: ChitchatEnvelope) -> u64 {
        self.last += 1;
        self.kept.insert(self.last, envelope);
        if self.kept.len() > PARCELS {
            self.kept.pop_first();
        }
        self.last
    }
}

/// Those of one simulation.
pub(crate) type Post = Arc<Mutex<Parcels>>;

fn locked<T>(one: &Mutex<T>) -> MutexGuard<'_, T> {
    one.lock().unwrap_or_else(PoisonError::into_inner)
}

type Arrived = tokio::sync::Mutex<mpsc::UnboundedReceiver<RecvOutcome>>;
type Sent = Arc<Mutex<Vec<(SocketAddr, Vec<u8>)>>>;

/// Where a node is reached.
fn addr(node: NodeId) -> SocketAddr {
    SocketAddr::new(Ipv4Addr::from_bits(0x0a00_0000 + node.0).into(), PORT)
}

/// Who is reached there.
fn node(addr: SocketAddr) -> Option<NodeId> {
    match addr.ip() {
        IpAddr::V4(ip) => ip.to_bits().checked_sub(0x0a00_0000).map(NodeId),
        IpAddr::V6(_) => None,
    }
}

/// Makes the ends of what it takes for a network.
struct Wires {
    post: Post,
    sent: Sent,
    arrived: Arc<Arrived>,
}

/// One end.
struct Wire {
    post: Post,
    sent: Sent,
    arrived: Arc<Arrived>,
    /// A transport of its own, to where a message goes and comes back as written and read.
    scales: (Box<dyn Socket>, Box<dyn Socket>),
}

#[async_trait]
impl Transport for Wires {
    async fn open(&self, addr: SocketAddr) -> anyhow::Result<Box<dyn Socket>> {
        let scales = ChannelTransport::default();
        let beside = SocketAddr::new(addr.ip(), PORT + 1);
        Ok(Box::new(Wire {
            post: Arc::clone(&self.post),
            sent: Arc::clone(&self.sent),
            arrived: Arc::clone(&self.arrived),
            scales: (scales.open(addr).await?, scales.open(beside).await?),
        }))
    }
}

#[async_trait]
impl Socket for Wire {
    fn local_addr(&self) -> anyhow::Result<SocketAddr> {
        self.scales.0.local_addr()
    }

    async fn send(
        &mut self,
        to: SocketAddr,
        envelope: ChitchatEnvelope,
    ) -> anyhow::Result<SendOutcome> {
        let (there, back) = &mut self.scales;
        let outcome = there.send(back.local_addr()?, envelope).await?;
        anyhow::ensure!(outcome.num_bytes_sent <= DATAGRAM, "it is no datagram");
        let envelope = back.recv().await?.envelope;
        let number = locked(&self.post).keep(envelope);
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.resize(outcome.num_bytes_sent.max(NUMBER), 0);
        locked(&self.sent).push((to, bytes));
        Ok(outcome)
    }

    async fn recv(&mut self) -> anyhow::Result<RecvOutcome> {
        let mut arrived = self.arrived.lock().await;
        arrived.recv().await.context("the simulation is over")
    }
}

/// A process that runs.
struct Running {
    runtime: Runtime,
    handle: ChitchatHandle,
    arriving: mpsc::UnboundedSender<RecvOutcome>,
    sent: Sent,
    /// The time of the simulation to which its clock was brought.
    clock: Timestamp,
    /// Who was there at its last look, and who no longer.
    live: BTreeSet<NodeId>,
    down: BTreeSet<NodeId>,
}

pub(crate) struct Chitchat {
    boot: Boot,
    post: Post,
    running: Option<Running>,
}

impl Chitchat {
    pub(crate) const fn new(boot: Boot, post: Post) -> Self {
        Self {
            boot,
            post,
            running: None,
        }
    }

    fn begin(&mut self, now: Timestamp) -> anyhow::Result<()> {
        let me = self.boot.node;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        let (arriving, arrived) = mpsc::unbounded_channel();
        let sent = Sent::default();
        let wires = Wires {
            post: Arc::clone(&self.post),
            sent: Arc::clone(&sent),
            arrived: Arc::new(tokio::sync::Mutex::new(arrived)),
        };
        let starts = u64::from(self.boot.starts);
        let seeds = (0..SEEDS).map(NodeId).filter(|seed| *seed != me);
        let config = ChitchatConfig {
            chitchat_id: ChitchatId::new(format!("n{}", me.0), starts, addr(me)),
            cluster_id: "bench".to_owned(),
            gossip_interval: INTERVAL,
            listen_addr: addr(me),
            seed_nodes: seeds.map(|seed| addr(seed).to_string()).collect(),
            failure_detector_config: FailureDetectorConfig::default(),
            marked_for_deletion_grace_period: Duration::from_secs(900),
            catchup_callback: None,
            extra_liveness_predicate: None,
            protocol_version: ProtocolVersion::V1,
        };
        let handle = runtime.block_on(spawn_chitchat(config, Vec::new(), &wires))?;
        self.running = Some(Running {
            runtime,
            handle,
            arriving,
            sent,
            clock: now,
            live: BTreeSet::new(),
            down: BTreeSet::new(),
        });
        Ok(())
    }
}

impl Running {
    /// Lets it do what there is to do at that time.
    fn turn(&mut self, cx: &mut Context<'_>) {
        let ahead = cx.now().since(self.clock);
        self.clock = self.clock.max(cx.now());
        self.runtime.block_on(async {
            tokio::time::advance(ahead).await;
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
        });
        for (to, bytes) in locked(&self.sent).drain(..) {
            if let Some(to) = node(to) {
                cx.send(to, &bytes);
            }
        }
    }

    /// Tells whom it has lost and found since its last look. Whom it meets first is no news.
    fn look(&mut self, cx: &mut Context<'_>) {
        let live = self.runtime.block_on(self.handle.with_chitchat(|chitchat| {
            let live = chitchat.live_nodes();
            live.filter_map(|one| node(one.gossip_advertise_addr))
                .collect::<BTreeSet<NodeId>>()
        }));
        for lost in self.live.difference(&live) {
            self.down.insert(*lost);
            cx.event(Event::Down(*lost));
        }
        for found in live.difference(&self.live) {
            if self.down.remove(found) {
                cx.event(Event::Up(*found));
            }
        }
        self.live = live;
    }
}

impl Node for Chitchat {
    fn start(&mut self, cx: &mut Context<'_>) {
        let wait = cx.rng().jitter(INTERVAL);
        cx.set_timer(cx.now() + wait, BEGIN);
    }

    fn packet(&mut self, from: NodeId, bytes: &[u8], cx: &mut Context<'_>) {
        let number = bytes
            .first_chunk()
            .map(|number| u64::from_le_bytes(*number));
        let envelope = number.and_then(|number| locked(&self.post).kept.remove(&number));
        if let (Some(running), Some(envelope)) = (&mut self.running, envelope) {
            let outcome = RecvOutcome {
                from_addr: addr(from),
                envelope,
                num_bytes_received: bytes.len(),
            };
            // It fails when its task has ended, which is seen by what it does not do any more.
            running.arriving.send(outcome).ok();
            running.turn(cx);
        }
    }

    fn timer(&mut self, token: u64, cx: &mut Context<'_>) {
        if token == BEGIN {
            self.begin(cx.now())
                .expect("a runtime without a network starts");
        }
        if let Some(running) = &mut self.running {
            running.turn(cx);
            running.look(cx);
        }
        // Its own interval began with it.
        let next = if token == BEGIN {
            INTERVAL + LATE
        } else {
            INTERVAL
        };
        cx.set_timer(cx.now() + next, TICK);
    }
}
