//! The node in its cluster: tells others what it runs, takes what they run into routing, and judges it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ninefold_cluster::membership::{MembershipEvent, NodeId, Path, Status};
use ninefold_config::model;
use ninefold_core::event::EventKind;
use ninefold_core::id::InstanceId;
use ninefold_core::observation::{Observation, Seen};
use ninefold_core::status::{GossipStatus, InstanceStatus, MemberPath, MemberState, MemberStatus};
use ninefold_core::time::Timestamp;
use ninefold_gateway::EndpointView;

use tokio::task::JoinSet;

use super::core::{Control, now};
use crate::cluster::{
    About, Announced, Announcer, Change, ClusterOptions, EjectedHere, Exit, Gossip, MemberView,
    Peers, UNTIL_KEY, View, generation_of,
};
use crate::state::StateFolder;

/// A certificate that runs out in less is shown: by then it should have been renewed long ago.
const CERTIFICATE_SOON: Duration = Duration::from_secs(30 * 86_400);

/// This node's part of the cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) gossip: Gossip,
    /// Answers joins, where that is this node's to do; ends with this.
    joins: JoinSet<()>,
    pub(super) name: Arc<str>,
    /// Whether it asks others to take it in: then it is not alone for long.
    has_seeds: bool,
    announcer: Announcer,
    pub(super) peers: Peers,
    state: StateFolder,
    /// The incarnation that is kept for the next start.
    kept: u64,
}

impl Cluster {
    pub(crate) fn new(
        (gossip, joins): (Gossip, JoinSet<()>),
        options: &ClusterOptions,
        state: StateFolder,
    ) -> Self {
        Self {
            gossip,
            joins,
            name: options.name(),
            has_seeds: !options.seeds.is_empty(),
            announcer: Announcer::default(),
            peers: Peers::default(),
            state,
            kept: 0,
        }
    }

    /// Ends this node's part. With `leave` the others are told; without, another process goes on for it.
    pub(crate) async fn end(mut self, leave: bool) {
        self.joins.shutdown().await;
        self.gossip.end(leave).await;
    }

    /// Whether every member that is there has told of all that it runs.
    pub(crate) fn knows_all(&self) -> bool {
        !self.has_seeds || self.gossip.shared().view().knows_all()
    }

    /// Keeps the incarnation for the next start, where it has changed.
    fn keep_incarnation(&mut self) {
        let incarnation = self.gossip.shared().view().incarnation;
        if incarnation == self.kept {
            return;
        }
        match self.state.keep_incarnation(incarnation) {
            Ok(()) => self.kept = incarnation,
            Err(error) => tracing::warn!(%error, "the incarnation is not kept: others will say it"),
        }
    }
}

impl Control {
    /// Something is known of the cluster that was not.
    pub(crate) fn cluster_changed(&mut self) {
        let Some(cluster) = &mut self.cluster else {
            return;
        };
        let shared = Arc::clone(cluster.gossip.shared());
        let (view, news) = (shared.view(), shared.take_news());
        let clock = (now(), Instant::now());
        let mut kinds = Vec::new();
        for event in &news {
            match event {
                MembershipEvent::Silent(id) => cluster.peers.silent(*id, Some(clock.0)),
                MembershipEvent::Direct(id) | MembershipEvent::Relayed(id) => {
                    cluster.peers.silent(*id, None);
                }
                MembershipEvent::Corrupt { from, .. }
                    if !self.opinions.corrupt(&view.name(*from), clock.0) =>
                {
                    continue;
                }
                _ => {}
            }
            kinds.extend(journal(event, &view));
        }
        let notes = shared.take_notes().into_iter();
        kinds.extend(notes.map(|what| EventKind::Standing { what }));
        let file = Arc::clone(&self.judged);
        let changes = cluster
            .peers
            .update(&view, |instance| declares(&file, instance), clock);
        for kind in kinds {
            self.record(kind);
        }
        for Change { instance, seen } in changes {
            if matches!(seen, Seen::NodeLost { .. }) {
                self.parts.gateway.abandon(&instance);
            }
            self.observed(&Observation {
                instance,
                at: clock.0,
                seen,
            });
        }
        self.publish();
        self.weigh_members(&view);
    }

    /// Keeps what must outlive this process.
    pub(super) fn keep_incarnation(&mut self) {
        if let Some(cluster) = &mut self.cluster {
            cluster.keep_incarnation();
        }
    }

    /// From what this node runs to what all do, for this gateway, and tells the others what has changed here. This node
    /// knows best what it runs itself.
    pub(super) fn share(&mut self, own: Vec<EndpointView>) -> Vec<EndpointView> {
        let theirs = self
            .cluster
            .as_ref()
            .map(|cluster| cluster.peers.endpoints());
        let mut theirs = theirs.unwrap_or_default();
        theirs.retain(|one| own.iter().all(|own| own.instance != one.instance));
        let mut all = own.clone();
        all.append(&mut theirs);
        let ejected = self.ejected_here(&all);
        self.tell(&own, &ejected);
        self.heed_others(&mut all);
        all
    }

    /// What other nodes run, for the status.
    pub(super) fn peers_instances(&self) -> Vec<InstanceStatus> {
        let cluster = self.cluster.as_ref();
        cluster.map_or_else(Vec::new, |cluster| cluster.peers.statuses())
    }

    /// The last end of one of this node's instances that nobody asked for is told to others with it.
    pub(super) fn note_exit(&mut self, observation: &Observation) {
        if let Some(cluster) = &mut self.cluster
            && let Seen::Exited {
                pid,
                cause,
                ended,
                expected: false,
            } = observation.seen
        {
            let exit = Exit {
                pid,
                cause,
                at: ended,
            };
            cluster.announcer.exited(observation.instance.clone(), exit);
        }
    }

    /// Tells the other nodes what this one runs, as far as that has changed.
    pub(super) fn tell(
        &mut self,
        own: &[EndpointView],
        ejected: &BTreeMap<InstanceId, EjectedHere>,
    ) {
        let view = self
            .cluster
            .as_ref()
            .map(|cluster| cluster.gossip.shared().view());
        let edges = view.map(|view| self.edges(&view)).unwrap_or_default();
        let words = self.opinions.words();
        let Some(cluster) = &mut self.cluster else {
            return;
        };
        let clock = (now(), Instant::now());
        let supervised = |instance: &InstanceId| declares(&self.judged, instance);
        let endpoints = self.parts.supervisor.endpoints();
        let mut told = BTreeMap::new();
        for mut status in self.parts.supervisor.instances() {
            let instance = status.instance.clone();
            status.quarantine = self.parts.quarantine.reason(&instance).map(str::to_owned);
            let endpoint = endpoints.iter().find(|one| one.instance == instance);
            let admitted = own
                .iter()
                .any(|one| one.instance == instance && one.admitted);
            if let Some(endpoint) = endpoint.filter(|_| supervised(&instance)) {
                let ready = cluster.announcer.ready_since(endpoint, clock);
                let exit = cluster.announcer.exit(&instance);
                let announced = Announced::of(&status, endpoint, admitted, exit, ready);
                told.insert(instance, announced);
            }
        }
        let gossip = &cluster.gossip;
        cluster.announcer.tell(
            &told,
            ejected,
            (&self.about, &edges, &words),
            |key, value| gossip.say(key, value),
        );
    }

    /// The nodes of the cluster, by name.
    pub(super) fn members(&self) -> Vec<MemberStatus> {
        let Some(cluster) = &self.cluster else {
            return Vec::new();
        };
        let view = cluster.gossip.shared().view();
        let own = self.parts.supervisor.instances().len();
        let status = |member: &MemberView| {
            let about = About::read(member).unwrap_or_default();
            let said = |text: String| (!text.is_empty()).then_some(text);
            MemberStatus {
                rack: about.rack,
                version: said(about.version),
                revision: said(about.revision),
                node: member.name.to_string(),
                zone: (!member.zone.is_empty()).then(|| member.zone.to_string()),
                address: member.addr.to_string(),
                state: match member.status {
                    Status::Alive => MemberState::Alive,
                    Status::Left => MemberState::Left,
                    Status::Down => MemberState::Down,
                },
                path: match member.path {
                    _ if member.id == view.me => MemberPath::Itself,
                    Some(Path::Direct) => MemberPath::Direct,
                    Some(Path::Relayed) => MemberPath::Relayed,
                    Some(Path::Silent) => MemberPath::Silent,
                    None => MemberPath::Unobserved,
                },
                accused_by: u32::try_from(member.accused_by).unwrap_or(u32::MAX),
                warming: member.warming,
                incarnation: member.incarnation,
                certificate_ends: certificate_end(member),
                keys: generation_of(member),
                instances: u32::try_from(if member.id == view.me {
                    own
                } else {
                    cluster.peers.count(member.id)
                })
                .unwrap_or(u32::MAX),
            }
        };
        let mut members: Vec<MemberStatus> = view.members.iter().map(status).collect();
        members.sort_by(|a, b| a.node.cmp(&b.node));
        members
    }

    /// What this node has gossiped.
    pub(super) fn gossip(&self) -> Option<GossipStatus> {
        let view = self.cluster.as_ref()?.gossip.shared().view();
        let counters = view.counters;
        Some(GossipStatus {
            health: view.health,
            isolated: view.isolated,
            lifelines: u64::try_from(view.lifelines).unwrap_or(u64::MAX),
            sent: counters.sent,
            sent_bytes: counters.sent_bytes,
            received: counters.received,
            refused: counters.refused + view.seals.refused(),
            over_budget: counters.over_budget,
            corrupt: counters.corrupt,
            stalls: counters.stalls,
            ends: counters.ends,
            accusations: counters.accusations,
            refutations: counters.refutations,
            syncs: view.syncs,
            keys: view.keys,
            expelled: view.expelled.names().map(ToString::to_string).collect(),
        })
    }

    /// This node's name in its cluster.
    pub(super) fn own_name(&self) -> Option<String> {
        Some(self.cluster.as_ref()?.name.to_string())
    }
}

/// When a member's certificate runs out, by its own word, if that is soon.
fn certificate_end(member: &MemberView) -> Option<Timestamp> {
    let said = std::str::from_utf8(member.entries.get(UNTIL_KEY)?).ok()?;
    let ends = Timestamp::from_secs(said.parse().ok()?);
    (ends.since(now()) < CERTIFICATE_SOON).then_some(ends)
}

/// Whether a file has an instance that Ninefold runs.
fn declares(file: &model::File, instance: &InstanceId) -> bool {
    let service = file.services.get(&*instance.service);
    service.is_some_and(|service| match &service.kind {
        model::ServiceKind::Supervised(supervised) => instance.ordinal < supervised.replicas,
        model::ServiceKind::External(_) => false,
    })
}

/// The lines that an event makes in the journal.
fn journal(event: &MembershipEvent, view: &View) -> Vec<EventKind> {
    let member = |id: NodeId, change: &str| {
        vec![EventKind::Member {
            node: view.name(id),
            change: change.to_owned(),
        }]
    };
    let standing = |what: String| vec![EventKind::Standing { what }];
    match event {
        MembershipEvent::Joined { node, returned } => {
            member(node.id, if *returned { "returned" } else { "joined" })
        }
        MembershipEvent::Restarted(id) => member(*id, "restarted"),
        MembershipEvent::Left(id) => member(*id, "left"),
        MembershipEvent::Silent(id) => member(*id, "silent"),
        MembershipEvent::Lossy(id) => member(*id, "lossy"),
        MembershipEvent::Relayed(id) => member(*id, "relayed"),
        MembershipEvent::Direct(id) => member(*id, "direct"),
        MembershipEvent::Down(ids) => ids.iter().flat_map(|id| member(*id, "down")).collect(),
        MembershipEvent::Contradicted { .. } => standing("contradicted".to_owned()),
        MembershipEvent::Frozen { zone, .. } => standing(format!("frozen {zone}")),
        MembershipEvent::Thawed { zone } => standing(format!("thawed {zone}")),
        MembershipEvent::Quiesced => standing("quiesced".to_owned()),
        MembershipEvent::Resumed => standing("resumed".to_owned()),
        MembershipEvent::Capped => standing("capped".to_owned()),
        MembershipEvent::Withheld(ids) if ids.is_empty() => standing("withheld nobody".to_owned()),
        MembershipEvent::Withheld(ids) => {
            let names: Vec<String> = ids.iter().map(|id| view.name(*id)).collect();
            standing(format!("withheld {}", names.join(", ")))
        }
        MembershipEvent::Isolated => standing("isolated".to_owned()),
        MembershipEvent::Connected => standing("connected".to_owned()),
        MembershipEvent::StateTaken {
            from,
            members,
            entries,
            bytes,
        } => standing(format!(
            "synced from {}: {members} members, {entries} entries, {bytes} bytes",
            view.name(*from)
        )),
        MembershipEvent::Corrupt { from, owner } if *from == view.me => standing(format!(
            "corrupt here: of what {} said; it is asked for again",
            view.name(*owner)
        )),
        MembershipEvent::Corrupt { from, owner } => standing(format!(
            "corrupt at {}: of what {} said; it was not taken",
            view.name(*from),
            view.name(*owner)
        )),
        MembershipEvent::StateFailed(id) => standing(format!("not synced from {}", view.name(*id))),
        MembershipEvent::StateWanted(_) | MembershipEvent::Entry { .. } => Vec::new(),
    }
}
