//! What other nodes told of their instances, and what has become of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ninefold_cluster::membership::{NodeId, Status};
use ninefold_core::id::InstanceId;
use ninefold_core::observation::Seen;
use ninefold_core::status::{InstanceState, InstanceStatus};
use ninefold_core::time::Timestamp;
use ninefold_gateway::EndpointView;

use super::announce::{ALL_TOLD, Announced, EjectedHere, ejected, instance};
use super::view::{Entries, MemberView, View};

/// How long the instances of a process count that another one of the same node follows, and which that has not told
/// of yet.
const HEIR_MAX: Duration = Duration::from_secs(10);

/// What is seen of an instance of another node, for this node's judges.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) instance: InstanceId,
    pub(crate) seen: Seen,
}

#[derive(Debug)]
struct Peer {
    name: Arc<str>,
    nonce: u64,
    alive: bool,
    /// It may be gone, so others are asked first.
    withheld: bool,
    /// Since when it does not answer this node.
    silent_since: Option<Timestamp>,
    entries: Arc<Entries>,
    instances: BTreeMap<InstanceId, Known>,
    /// What its gateway has ejected.
    ejected: BTreeMap<InstanceId, EjectedHere>,
    /// It began anew, and has not told of all its instances.
    heir_until: Option<Instant>,
}

#[derive(Clone, Debug)]
struct Known {
    told: Announced,
    /// Since when it is ready, on this node's clock: looked up once, so that it does not wander.
    ready: Option<Instant>,
    /// It was lost with its node, which has not told of it since.
    lost: bool,
}

/// The other nodes.
#[derive(Debug, Default)]
pub(crate) struct Peers(BTreeMap<NodeId, Peer>);

impl Peers {
    /// Takes what is known now. Only instances for which `known` holds count. Returns what has happened to them.
    pub(crate) fn update(
        &mut self,
        view: &View,
        known: impl Fn(&InstanceId) -> bool,
        (now, at): (Timestamp, Instant),
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        self.0
            .retain(|id, _| view.members.iter().any(|member| member.id == *id));
        for member in view.members.iter().filter(|member| member.id != view.me) {
            let peer = self.0.entry(member.id).or_insert_with(|| Peer::new(member));
            peer.update(member, &known, (now, at), &mut changes);
        }
        changes
    }

    /// A member does not answer this node, or does again.
    pub(crate) fn silent(&mut self, id: NodeId, since: Option<Timestamp>) {
        if let Some(peer) = self.0.get_mut(&id) {
            peer.silent_since = since;
        }
    }

    /// Where instances of others are reached.
    pub(crate) fn endpoints(&self) -> Vec<EndpointView> {
        let alive = self.0.values().filter(|peer| peer.alive);
        alive.flat_map(Peer::endpoints).collect()
    }

    /// What others run. Of a node that is gone it says what it said last.
    pub(crate) fn statuses(&self) -> Vec<InstanceStatus> {
        let mut statuses = Vec::new();
        for peer in self.0.values() {
            for (instance, one) in &peer.instances {
                let mut status = one.told.status(instance, &peer.name);
                if !peer.alive {
                    status.state = InstanceState::Stopped;
                    status.pid = None;
                    status.reason = Some(format!("node {} is gone", peer.name));
                }
                statuses.push(status);
            }
        }
        statuses
    }

    /// By member, how many instances it runs.
    pub(crate) fn count(&self, id: NodeId) -> usize {
        self.0.get(&id).map_or(0, |peer| peer.instances.len())
    }

    /// The nodes that are there and whose gateways have ejected this process of an instance, and why the first of
    /// them has.
    pub(crate) fn ejected_by(
        &self,
        instance: &InstanceId,
        incarnation: u64,
    ) -> (Vec<Arc<str>>, Option<&str>) {
        let mut why = None;
        let mut by = Vec::new();
        for peer in self.0.values().filter(|peer| peer.alive) {
            let ejected = peer.ejected.get(instance);
            if let Some(ejected) = ejected.filter(|one| one.incarnation == incarnation) {
                why.get_or_insert(ejected.reason.as_str());
                by.push(Arc::clone(&peer.name));
            }
        }
        (by, why)
    }
}

impl Peer {
    fn new(member: &MemberView) -> Self {
        Self {
            name: Arc::clone(&member.name),
            nonce: member.nonce,
            alive: member.status == Status::Alive,
            withheld: member.withheld,
            silent_since: None,
            entries: Arc::default(),
            instances: BTreeMap::new(),
            ejected: BTreeMap::new(),
            heir_until: None,
        }
    }

    fn endpoints(&self) -> impl Iterator<Item = EndpointView> {
        let view = |(instance, Known { told, ready, .. }): (&InstanceId, &Known)| EndpointView {
            instance: instance.clone(),
            address: told.address.clone(),
            zone: told.zone.clone(),
            admitted: told.admitted,
            degraded: told.degraded || self.withheld,
            doubtful: told.doubtful,
            weight: told.weight,
            backup: told.backup,
            ready_since: *ready,
            host: None,
            incarnation: told.incarnation,
            own: false,
        };
        self.instances.iter().map(view)
    }

    fn update(
        &mut self,
        member: &MemberView,
        known: &impl Fn(&InstanceId) -> bool,
        (now, at): (Timestamp, Instant),
        changes: &mut Vec<Change>,
    ) {
        let was_alive = std::mem::replace(&mut self.alive, member.status == Status::Alive);
        if was_alive && !self.alive && member.status == Status::Down {
            let since = self.silent_since.unwrap_or(now);
            for (instance, known) in &mut self.instances {
                known.lost = true;
                let seen = Seen::NodeLost {
                    node: self.name.to_string(),
                    silent_since: since,
                    host: member.host,
                };
                changes.push(change(instance, seen));
            }
        }
        self.withheld = member.withheld;
        if !self.alive {
            return;
        }
        let back = !was_alive;
        if back {
            self.silent_since = None;
        }
        if member.nonce != self.nonce {
            self.nonce = member.nonce;
            self.heir_until = Some(at + HEIR_MAX);
        }
        let told = self.heir_until.is_none_or(|until| at >= until)
            || member.entries.contains_key(ALL_TOLD);
        if !back && told && self.heir_until.is_none() && Arc::ptr_eq(&self.entries, &member.entries)
        {
            return;
        }
        self.entries = Arc::clone(&member.entries);
        self.ejected = read(&member.entries, ejected, known).collect();
        let mut fresh = BTreeMap::new();
        for (instance, told) in read::<Announced>(&member.entries, instance, known) {
            // Also what its next process has taken over begins anew: it was given up.
            let before = self.instances.get(&instance);
            let before = before.filter(|known| !back && !known.lost);
            compare(&instance, before.map(|known| &known.told), &told, changes);
            let ready = match before {
                Some(before) if before.told.ready_since == told.ready_since => before.ready,
                _ => told.ready_instant((now, at)),
            };
            let lost = false;
            fresh.insert(instance, Known { told, ready, lost });
        }
        if told {
            self.heir_until = None;
        } else {
            for (instance, before) in &self.instances {
                let heir = fresh.entry(instance.clone());
                heir.or_insert_with(|| before.clone());
            }
        }
        self.instances = fresh;
    }
}

/// The entries about instances, by a way to find these in keys.
fn read<'a, T: serde::de::DeserializeOwned>(
    entries: &'a Entries,
    instance: fn(&str) -> Option<InstanceId>,
    known: &'a impl Fn(&InstanceId) -> bool,
) -> impl Iterator<Item = (InstanceId, T)> + 'a {
    entries.iter().filter_map(move |(key, value)| {
        let instance = instance(key).filter(known)?;
        let told = serde_json::from_slice(value);
        told.inspect_err(
            |error| tracing::warn!(%instance, %error, "another node's word is not understood"),
        )
        .ok()
        .map(|told| (instance, told))
    })
}

fn change(instance: &InstanceId, seen: Seen) -> Change {
    Change {
        instance: instance.clone(),
        seen,
    }
}

/// What has happened between two tellings. Without one before, nothing is known of the past.
fn compare(
    instance: &InstanceId,
    before: Option<&Announced>,
    one: &Announced,
    changes: &mut Vec<Change>,
) {
    if let (Some(before), Some(exit)) = (before, &one.exit)
        && before.exit.as_ref() != Some(exit)
    {
        let seen = Seen::Exited {
            pid: exit.pid,
            cause: exit.cause,
            ended: exit.at,
            expected: false,
        };
        changes.push(change(instance, seen));
    }
    if before.is_none_or(|before| before.incarnation != one.incarnation) {
        let seen = Seen::Started {
            pid: one.pid,
            adopted: before.is_none(),
        };
        changes.push(change(instance, seen));
    }
    if one.admitted && before.is_none_or(|before| !before.admitted) {
        changes.push(change(instance, Seen::Ready));
    }
}

#[cfg(test)]
mod tests {
    use super::super::announce::tests::announced as one;
    use super::super::announce::{Exit, key};
    use super::super::view::tests::{member, view};
    use super::*;
    use ninefold_core::observation::HostWord;
    use ninefold_core::taxonomy::ExitCause;

    const N2: NodeId = NodeId(2);

    struct Scene {
        peers: Peers,
        view: View,
        clock: (Timestamp, Instant),
    }

    impl Scene {
        fn new() -> Self {
            Self {
                peers: Peers::default(),
                view: view(NodeId(1), vec![member(NodeId(1), "n1"), member(N2, "n2")]),
                clock: (Timestamp::from_secs(1_000), Instant::now()),
            }
        }

        fn n2(&mut self) -> &mut MemberView {
            &mut self.view.members[1]
        }

        /// The other node tells of these, and of nothing else.
        fn tells(&mut self, all: &[(InstanceId, Announced)], done: bool) {
            let mut entries = Entries::new();
            for (instance, one) in all {
                let value = serde_json::to_vec(one).unwrap();
                entries.insert(key(instance).into(), value.into());
            }
            if done {
                entries.insert(ALL_TOLD.into(), b"1".as_slice().into());
            }
            self.n2().entries = Arc::new(entries);
        }

        fn look(&mut self) -> Vec<(u32, Seen)> {
            let known = |instance: &InstanceId| &*instance.service == "catalog";
            let changes = self.peers.update(&self.view, known, self.clock);
            let seen = changes.into_iter();
            seen.map(|change| (change.instance.ordinal, change.seen))
                .collect()
        }

        fn admitted(&self) -> Vec<u32> {
            let endpoints = self.peers.endpoints();
            let admitted = endpoints.iter().filter(|one| one.admitted);
            admitted.map(|one| one.instance.ordinal).collect()
        }
    }

    fn catalog(ordinal: u32) -> InstanceId {
        InstanceId::new("catalog", ordinal)
    }

    #[test]
    fn the_instances_of_a_node_that_may_be_gone_are_asked_after_others() {
        let mut scene = Scene::new();
        scene.tells(&[(catalog(0), one())], true);
        scene.look();
        let degraded = |scene: &Scene| scene.peers.endpoints()[0].degraded;
        assert!(!degraded(&scene));
        scene.n2().withheld = true;
        scene.look();
        assert!(degraded(&scene));
        assert_eq!(scene.admitted(), [0]);
        scene.n2().withheld = false;
        scene.look();
        assert!(!degraded(&scene));
    }

    #[test]
    fn a_node_that_is_gone_takes_its_instances_along() {
        let mut scene = Scene::new();
        scene.tells(
            &[(catalog(0), one()), (InstanceId::new("other", 0), one())],
            true,
        );
        let started = Seen::Started {
            pid: Some(77),
            adopted: true,
        };
        assert_eq!(scene.look(), [(0, started.clone()), (0, Seen::Ready)]);
        assert_eq!((scene.look(), scene.admitted()), (vec![], vec![0]));
        scene.peers.silent(N2, Some(Timestamp::from_secs(999)));
        scene.n2().status = Status::Down;
        let lost = Seen::NodeLost {
            node: "n2".to_owned(),
            silent_since: Timestamp::from_secs(999),
            host: HostWord::Silent,
        };
        assert_eq!(scene.look(), [(0, lost)]);
        assert_eq!((scene.look(), scene.admitted()), (vec![], vec![]));
        let statuses = scene.peers.statuses();
        let state = statuses.first().map(|one| (one.state, one.pid));
        assert_eq!(state, Some((InstanceState::Stopped, None)));
        // Back with what it ran all the time.
        scene.n2().status = Status::Alive;
        assert_eq!(scene.look(), [(0, started), (0, Seen::Ready)]);
        assert_eq!(scene.admitted(), [0]);
        // One that leaves in order has drained before.
        scene.n2().status = Status::Left;
        assert_eq!((scene.look(), scene.admitted()), (vec![], vec![]));
    }

    #[test]
    fn the_end_of_a_process_elsewhere_is_seen_with_its_cause() {
        let mut scene = Scene::new();
        let mut told = one();
        scene.tells(&[(catalog(0), told.clone())], true);
        scene.look();
        told.admitted = false;
        told.pid = None;
        told.exit = Some(Exit {
            pid: 77,
            cause: ExitCause::Signal(9),
            at: Timestamp::from_secs(990),
        });
        scene.tells(&[(catalog(0), told.clone())], true);
        let exited = Seen::Exited {
            pid: 77,
            cause: ExitCause::Signal(9),
            ended: Timestamp::from_secs(990),
            expected: false,
        };
        assert_eq!(scene.look(), [(0, exited)]);
        told.admitted = true;
        told.pid = Some(78);
        told.incarnation += 1;
        scene.tells(&[(catalog(0), told)], true);
        let started = Seen::Started {
            pid: Some(78),
            adopted: false,
        };
        assert_eq!(scene.look(), [(0, started), (0, Seen::Ready)]);
    }

    #[test]
    fn another_process_of_a_node_inherits_what_it_has_not_told_of_yet() {
        let mut scene = Scene::new();
        scene.tells(&[(catalog(0), one()), (catalog(1), one())], true);
        scene.look();
        scene.n2().nonce = 2;
        scene.tells(&[], false);
        assert_eq!((scene.look(), scene.admitted()), (vec![], vec![0, 1]));
        scene.tells(&[(catalog(1), one())], false);
        assert_eq!((scene.look(), scene.admitted()), (vec![], vec![0, 1]));
        scene.tells(&[(catalog(1), one())], true);
        assert_eq!((scene.look(), scene.admitted()), (vec![], vec![1]));
        // One that never comes to an end of telling is not waited for without end.
        scene.n2().nonce = 3;
        scene.tells(&[], false);
        assert_eq!((scene.look(), scene.admitted()), (vec![], vec![1]));
        scene.clock.1 += HEIR_MAX;
        assert_eq!((scene.look(), scene.admitted()), (vec![], vec![]));
    }

    #[test]
    fn what_the_next_process_of_a_lost_node_has_taken_over_is_well_again() {
        let mut scene = Scene::new();
        scene.tells(&[(catalog(0), one())], true);
        scene.look();
        scene.peers.silent(N2, Some(Timestamp::from_secs(990)));
        scene.n2().status = Status::Down;
        assert!(matches!(scene.look()[..], [(0, Seen::NodeLost { .. })]));
        // It is back, and says later what it runs.
        scene.n2().status = Status::Alive;
        scene.n2().nonce = 2;
        scene.tells(&[], false);
        assert_eq!(scene.look(), []);
        scene.tells(&[(catalog(0), one())], true);
        let started = Seen::Started {
            pid: Some(77),
            adopted: true,
        };
        assert_eq!(scene.look(), [(0, started), (0, Seen::Ready)]);
        assert_eq!(scene.look(), []);
        // Its last silence is over as well.
        scene.n2().status = Status::Down;
        let lost = scene.look();
        let [(0, Seen::NodeLost { silent_since, .. })] = &lost[..] else {
            panic!("{lost:?}");
        };
        assert_ne!(*silent_since, Timestamp::from_secs(990));
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        let mut scene = Scene::new();
        let mut entries = Entries::new();
        entries.insert("i/catalog/0".into(), b"{".as_slice().into());
        entries.insert("i/catalog".into(), b"{}".as_slice().into());
        entries.insert(
            "i/catalog/1".into(),
            serde_json::to_vec(&one()).unwrap().into(),
        );
        scene.n2().entries = Arc::new(entries);
        scene.look();
        assert_eq!(scene.admitted(), [1]);
    }
}
