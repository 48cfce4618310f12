use ninefold_core::time::Timestamp;

use super::config::Config;
use super::node::Record;
use super::ring::Ring;
use super::store::Store;
use super::table::{Member, Table};
use super::wire::Entry;

/// Members that are known from the start, as where a cluster is declared or one node has told another of all: made
/// once, and shared by all who begin with it.
#[derive(Clone, Debug)]
pub struct View {
    pub(super) table: Table,
    pub(super) ring: Ring,
    pub(super) store: Store,
}

impl View {
    /// Of what records say, the later of two of one member.
    #[must_use]
    pub fn new(config: &Config, records: impl IntoIterator<Item = Record>, now: Timestamp) -> Self {
        let mut view = Self {
            table: Table::default(),
            ring: Ring::new(config.observers),
            store: Store::default(),
        };
        for record in records {
            view.table.apply(&record, now);
        }
        for (index, member) in view.table.iter().filter(|(_, member)| member.is_alive()) {
            view.ring.insert(member.node.id, index, member.zone);
        }
        view
    }

    /// What these members have said, of each in the order in which it did.
    pub fn said(&mut self, entries: impl IntoIterator<Item = Entry>, now: Timestamp) {
        for entry in entries {
            let owner = self.table.find(entry.owner);
            let process = |member: &Member| member.nonce == entry.nonce;
            if let Some(owner) = owner.filter(|at| self.table.get(*at).is_some_and(process)) {
                self.store.take(owner, &entry, true, now);
            }
        }
    }
}
