//! Who waits.

use std::collections::BTreeSet;

/// One waiter of one [`Queue`](super::Queue). Never given out twice; the order is that of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaiterId {
    sequence: u64,
    slot: u32,
}

impl WaiterId {
    /// A small number that no other waiter has at the same time, to index wakers by.
    #[must_use]
    pub const fn slot(self) -> u32 {
        self.slot
    }
}

/// Gives out ids, with the smallest free slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids {
    sequence: u64,
    slots: u32,
    free: BTreeSet<u32>,
}

impl Ids {
    pub(super) fn take(&mut self) -> WaiterId {
        let slot = self.free.pop_first().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        });
        self.sequence += 1;
        WaiterId {
            sequence: self.sequence,
            slot,
        }
    }

    pub(super) fn give_back(&mut self, id: WaiterId) {
        self.free.insert(id.slot);
    }
}
