//! Going on from what the gateway of another process knew.

use ninefold_core::id::InstanceId;
use ninefold_core::time::Timestamp;
use ninefold_gateway::{Memory, Recalled};

use super::core::{Control, now};

impl Control {
    /// Tells the gateway what the one before knew, just before it opens. Of faults the control plane
    /// knows best: which were ended meanwhile, and when the others have to.
    pub(crate) fn recall(&mut self, mut memory: Memory) {
        memory.bound_faults(|id| self.fault_left(id));
        let faults = memory.faults();
        let recalled = self.parts.gateway.recall(memory);
        self.end_lost_faults(&faults, "not taken over");
        for why in &recalled.left_out {
            self.notice(format!(
                "what the gateway before knew is not all understood: {why}"
            ));
        }
        self.notice(if recalled == Recalled::default() {
            "the gateway before says nothing of what it knew: this one begins anew".to_owned()
        } else {
            format!("the gateway goes on from what the one before knew: {recalled}")
        });
        self.close_what_is_over();
        // So that whoever asks next sees it.
        self.account();
    }

    /// Incidents of before stay open while their endpoint is ejected. Whose is not, although it was,
    /// is as good as any other.
    fn close_what_is_over(&mut self) {
        let counters = self.parts.gateway.counters();
        let back = counters.endpoints.iter().filter(|one| !one.ejected());
        let back: Vec<InstanceId> = back.map(|one| one.instance.clone()).collect();
        for instance in back {
            self.is_back(&instance, now());
        }
    }

    /// Nothing is held against an endpoint any more that was before this process.
    pub(super) fn is_back(&mut self, instance: &InstanceId, at: Timestamp) {
        self.parts.incidents.readmitted(instance);
        if self.routing.is_in(instance) {
            self.ready(instance, at);
        }
    }
}
