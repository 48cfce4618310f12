use ninefold_core::time::Timestamp;

use super::config::Config;
use super::node::Record;
use super::ring::Ring;
use super::table::Table;

/// Members that are known from the start, as where a cluster is declared or one node has told another of all: made
/// once, and shared by all who begin with it.
#[derive(Clone, Debug)]
pub struct View {
    pub(super) table: Table,
    pub(super) ring: Ring,
}

impl View {
    /// Of what records say, the later of two of one member.
    #[must_use]
    pub fn new(config: &Config, records: impl IntoIterator<Item = Record>, now: Timestamp) -> Self {
        let mut view = Self {
            table: Table::default(),
            ring: Ring::new(config.observers),
        };
        for record in records {
            view.table.apply(&record, now);
        }
        for (index, member) in view.table.iter().filter(|(_, member)| member.is_alive()) {
            view.ring.insert(member.node.id, index, member.zone);
        }
        view
    }
}
