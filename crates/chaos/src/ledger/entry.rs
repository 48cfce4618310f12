//! One fault in the ledger.

use std::time::Duration;

use ninefold_core::id::InstanceId;
use ninefold_core::time::{Timestamp, nanos};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::process::{Presence, Process};

/// Notes that one entry keeps; later ones are dropped.
const NOTES_MAX: usize = 64;

/// One fault: what it is, who answers for it, until when it may last, and how it is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The fault's id: 1 to 100 of `a-z`, `0-9` and `-`.
    pub id: String,
    /// `kill`, `hang`, `zone-kill`, `node-kill`, `partition`, `one-way-partition`, `gray`, `errors`, `resets`,
    /// or `owned-up` for an `up` that `verify` started itself.
    pub kind: String,
    /// On whom.
    pub targets: Vec<InstanceId>,
    /// The claim it tests, if any.
    pub claim: Option<String>,
    /// When it was written.
    pub at: Timestamp,
    /// The boot it belongs to: after a reboot there is nothing to undo.
    pub boot: String,
    /// The controller. Others undo the entry only once this process is gone.
    pub owner: Process,
    /// When it must be undone at the latest, in nanoseconds since boot; none only for what lives
    /// as long as its controller.
    pub expires_boot_ns: Option<u64>,
    /// How it is undone.
    pub undo: Vec<Undo>,
    /// How far it went.
    pub state: EntryState,
    /// What was done about it, oldest first.
    pub notes: Vec<Note>,
}

/// One step of an undo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "kebab-case")]
pub enum Undo {
    /// SIGCONT to the leader's group, and to each of these processes that is still itself.
    Resume {
        /// The target.
        leader: Process,
        /// Its process group when the fault was planned, the target included.
        members: Vec<Process>,
    },
    /// The table of packet filters that cuts nodes off goes.
    Table {
        /// Its name.
        table: String,
    },
    /// SIGTERM, and SIGKILL once the grace has passed.
    Stop {
        /// Whom.
        process: Process,
        /// Between the two, in nanoseconds.
        grace_ns: u64,
    },
}

/// How far a fault went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryState {
    /// Its undo is on disk; it may or may not have been applied.
    Planned,
    /// It was applied.
    Applied,
    /// It was undone, or there was nothing to undo.
    Undone,
}

/// What somebody did about a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// Who: `verify`, `reaper`, `recover`.
    pub by: String,
    /// What.
    pub what: String,
}

impl Entry {
    /// A planned entry of this process, now.
    #[must_use]
    pub fn new(id: String, kind: String, owner: Process) -> Self {
        Self {
            id,
            kind,
            targets: Vec::new(),
            claim: None,
            at: clock::wall(),
            boot: clock::boot_id(),
            owner,
            expires_boot_ns: None,
            undo: Vec::new(),
            state: EntryState::Planned,
            notes: Vec::new(),
        }
    }

    /// Sets its time to live, counted from now.
    pub fn expires_in(&mut self, ttl: Duration) {
        self.expires_boot_ns = Some(clock::boot_ns().saturating_add(nanos(ttl)));
    }

    /// Whether its time to live has passed.
    #[must_use]
    pub fn expired(&self) -> bool {
        self.expires_boot_ns
            .is_some_and(|deadline| clock::boot_ns() >= deadline)
    }

    /// Whether nobody answers for it any more.
    #[must_use]
    pub fn orphaned(&self) -> bool {
        self.owner.presence() == Presence::Gone || self.of_another_boot()
    }

    pub(super) fn of_another_boot(&self) -> bool {
        let now = clock::boot_id();
        !now.is_empty() && !self.boot.is_empty() && now != self.boot
    }

    pub(super) fn note(&mut self, by: &str, what: String) {
        if self.notes.len() < NOTES_MAX {
            self.notes.push(Note {
                at: clock::wall(),
                by: by.to_owned(),
                what,
            });
        }
    }
}
