//! How an instance is told of to other nodes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ninefold_core::address::Address;
use ninefold_core::id::InstanceId;
use ninefold_core::status::{InstanceState, InstanceStatus, Release};
use ninefold_core::taxonomy::ExitCause;
use ninefold_core::time::Timestamp;
use ninefold_supervise::SupervisedEndpoint;
use serde::{Deserialize, Serialize};

use super::about::{self, About};
use super::edges::{self, Edges};
use super::words::{self, Words};

/// Before the instance's name in a key.
const PREFIX: &str = "i/";
/// Under this key a node says that it has told of all its instances: until then a process that has just begun
/// says less than the one before it.
pub(crate) const ALL_TOLD: &str = "told";
/// Before the name of an instance that this node's gateway has ejected.
const EJECTED: &str = "e/";
/// A reason is cut to so many characters.
const REASON_MAX: usize = 80;

/// How an instance's process ended last, nobody having asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exit {
    pub(crate) pid: u32,
    pub(crate) cause: ExitCause,
    pub(crate) at: Timestamp,
}

/// An instance as its node tells of it, in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Announced {
    pub(crate) address: Address,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) zone: Option<Arc<str>>,
    pub(crate) state: InstanceState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    pub(crate) since: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pid: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pid_start: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) release: Option<Release>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) restarts: u32,
    pub(crate) incarnation: u64,
    pub(crate) weight: u32,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) admitted: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) degraded: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) doubtful: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) backup: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ready_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exit: Option<Exit>,
    /// Why it is in quarantine there, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quarantine: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(value: &u32) -> bool {
    *value == 0
}

impl Announced {
    /// What is told of an instance.
    pub(crate) fn of(
        status: &InstanceStatus,
        endpoint: &SupervisedEndpoint,
        admitted: bool,
        exit: Option<&Exit>,
        ready_since: Option<Timestamp>,
    ) -> Self {
        let cut = |reason: &String| reason.chars().take(REASON_MAX).collect();
        Self {
            address: endpoint.address.clone(),
            zone: endpoint.zone.clone(),
            state: status.state,
            reason: status.reason.as_ref().map(cut),
            since: status.since,
            pid: status.pid,
            pid_start: status.pid_start,
            release: status.release.clone(),
            restarts: status.restarts,
            incarnation: endpoint.incarnation,
            weight: endpoint.weight,
            admitted,
            degraded: endpoint.degraded,
            doubtful: endpoint.doubtful,
            backup: endpoint.backup,
            ready_since,
            exit: exit.cloned(),
            quarantine: status.quarantine.as_ref().map(cut),
        }
    }

    /// Since when it is ready, on this node's clock. What clocks disagree about only shifts its slow start.
    pub(crate) fn ready_instant(&self, (now, at): (Timestamp, Instant)) -> Option<Instant> {
        let ready: Duration = now.since(self.ready_since?);
        Some(at.checked_sub(ready).unwrap_or(at))
    }

    /// For `status`.
    pub(crate) fn status(&self, instance: &InstanceId, node: &str) -> InstanceStatus {
        InstanceStatus {
            service: instance.service.to_string(),
            instance: instance.clone(),
            node: Some(node.to_owned()),
            zone: self.zone.as_deref().map(str::to_owned),
            address: self.address.to_string(),
            pid: self.pid,
            pid_start: self.pid_start,
            release: self.release.clone(),
            state: self.state,
            reason: self.reason.clone(),
            since: self.since,
            restarts: self.restarts,
            ejected: false,
            rotation: ninefold_core::status::Rotation::default(),
            ejection: None,
            quarantine: self.quarantine.clone(),
            in_flight: 0,
            verdict: None,
        }
    }
}

/// The key of an instance.
pub(crate) fn key(instance: &InstanceId) -> String {
    format!("{PREFIX}{instance}")
}

/// The instance of a key; nothing of a key for something else.
pub(crate) fn instance(key: &str) -> Option<InstanceId> {
    key.strip_prefix(PREFIX)?.parse().ok()
}

/// An instance that the traffic of this node's gateway took out, in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EjectedHere {
    /// Which process of it.
    pub(crate) incarnation: u64,
    pub(crate) reason: String,
}

impl EjectedHere {
    pub(crate) fn new(incarnation: u64, reason: &str) -> Self {
        let reason = reason.chars().take(REASON_MAX).collect();
        Self {
            incarnation,
            reason,
        }
    }
}

/// The instance of a key under which a node tells of an ejection.
pub(crate) fn ejected(key: &str) -> Option<InstanceId> {
    key.strip_prefix(EJECTED)?.parse().ok()
}

/// What was told so far, so that only changes are.
#[derive(Debug, Default)]
pub(crate) struct Announcer {
    told: BTreeMap<String, Vec<u8>>,
    exits: BTreeMap<InstanceId, Exit>,
    /// Since when instances are ready, on both clocks: looked up once, since every look would differ a little, and
    /// be told.
    ready: BTreeMap<InstanceId, (Instant, Timestamp)>,
}

impl Announcer {
    /// An instance ended by itself.
    pub(crate) fn exited(&mut self, instance: InstanceId, exit: Exit) {
        self.exits.insert(instance, exit);
    }

    pub(crate) fn exit(&self, instance: &InstanceId) -> Option<&Exit> {
        self.exits.get(instance)
    }

    /// Since when an instance is ready, on the wall clock.
    pub(crate) fn ready_since(
        &mut self,
        endpoint: &SupervisedEndpoint,
        (now, at): (Timestamp, Instant),
    ) -> Option<Timestamp> {
        let since = endpoint.ready_since?;
        let known = self.ready.entry(endpoint.instance.clone());
        let (instant, wall) =
            known.or_insert_with(|| (since, now - at.saturating_duration_since(since)));
        if *instant != since {
            (*instant, *wall) = (since, now - at.saturating_duration_since(since));
        }
        Some(*wall)
    }

    /// Tells what has changed through `say`, and tries again later what that does not take.
    pub(crate) fn tell(
        &mut self,
        instances: &BTreeMap<InstanceId, Announced>,
        ejected: &BTreeMap<InstanceId, EjectedHere>,
        (about, edges, words): (&About, &Edges, &BTreeMap<InstanceId, Words>),
        mut say: impl FnMut(String, Option<Vec<u8>>) -> bool,
    ) {
        self.exits.retain(|known, _| instances.contains_key(known));
        self.ready.retain(|known, _| instances.contains_key(known));
        let mut now: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let instances = instances
            .iter()
            .map(|(instance, one)| (key(instance), serde_json::to_vec(one)));
        let ejected = ejected
            .iter()
            .map(|(instance, one)| (format!("{EJECTED}{instance}"), serde_json::to_vec(one)));
        let about = (about::KEY.to_owned(), serde_json::to_vec(about));
        let edges = (edges::KEY.to_owned(), serde_json::to_vec(edges));
        let words = words
            .iter()
            .map(|(instance, words)| (words::key(instance), serde_json::to_vec(words)));
        let all = instances.chain(ejected).chain(words).chain([about, edges]);
        for (key, value) in all {
            match value {
                Ok(value) => drop(now.insert(key, value)),
                Err(error) => tracing::error!(key, %error, "other nodes are not told"),
            }
        }
        now.insert(ALL_TOLD.to_owned(), b"1".to_vec());
        let gone = self.told.keys().filter(|key| !now.contains_key(*key));
        for key in gone.cloned().collect::<Vec<_>>() {
            if say(key.clone(), None) {
                self.told.remove(&key);
            }
        }
        for (key, value) in now {
            let news = self.told.get(&key) != Some(&value);
            if news && say(key.clone(), Some(value.clone())) {
                self.told.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::cluster) fn announced() -> Announced {
        Announced {
            address: "127.0.0.2:21044".parse().unwrap(),
            zone: Some("a".into()),
            state: InstanceState::Ready,
            reason: None,
            since: Timestamp::from_secs(9),
            pid: Some(77),
            pid_start: Some(1_234_567),
            release: Some(Release {
                version: Some("1.4.2".to_owned()),
                revision: "3f2a9c01".to_owned(),
            }),
            restarts: 3,
            incarnation: 4,
            weight: 1,
            admitted: true,
            degraded: false,
            doubtful: false,
            backup: false,
            ready_since: Some(Timestamp::from_secs(9)),
            quarantine: None,
            exit: Some(Exit {
                pid: 76,
                cause: ExitCause::Signal(9),
                at: Timestamp::from_secs(8),
            }),
        }
    }

    #[test]
    fn it_fits_and_comes_back() {
        let mut one = announced();
        one.reason = Some("x".repeat(REASON_MAX));
        one.address = Address::Tcp(
            "[2001:db8:1111:2222:3333:4444:5555:6666]:65535"
                .parse()
                .unwrap(),
        );
        one.zone = Some("z".repeat(30).into());
        one.release.as_mut().unwrap().version = Some("9".repeat(40));
        let bytes = serde_json::to_vec(&one).unwrap();
        assert!(
            bytes.len() <= ninefold_cluster::membership::wire::VALUE_MAX,
            "{}",
            bytes.len()
        );
        assert_eq!(serde_json::from_slice::<Announced>(&bytes).unwrap(), one);
        let id = InstanceId::new("catalog", 2);
        assert_eq!(instance(&key(&id)), Some(id));
        assert_eq!(instance(ALL_TOLD), None);
    }

    #[test]
    fn only_changes_are_told_and_what_found_no_room_is_told_later() {
        let mut announcer = Announcer::default();
        let id = InstanceId::new("catalog", 0);
        let mut all = BTreeMap::from([(id.clone(), announced())]);
        let said = |announcer: &mut Announcer, all: &BTreeMap<_, _>, room| {
            let mut said = Vec::new();
            announcer.tell(
                all,
                &BTreeMap::new(),
                (&About::default(), &Edges::default(), &BTreeMap::new()),
                |key, value| {
                    said.push((key, value.is_some()));
                    room
                },
            );
            said
        };
        let both = vec![
            (about::KEY.to_owned(), true),
            (edges::KEY.to_owned(), true),
            (key(&id), true),
            (ALL_TOLD.to_owned(), true),
        ];
        assert_eq!(said(&mut announcer, &all, false), both);
        assert_eq!(said(&mut announcer, &all, true), both);
        assert_eq!(said(&mut announcer, &all, true), []);
        all.get_mut(&id).unwrap().admitted = false;
        assert_eq!(said(&mut announcer, &all, true), [(key(&id), true)]);
        all.clear();
        assert_eq!(said(&mut announcer, &all, true), [(key(&id), false)]);
        assert_eq!(said(&mut announcer, &all, true), []);
    }
}
