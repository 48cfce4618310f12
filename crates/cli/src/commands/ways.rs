//! The ways to the nodes that claims are tried on.

use ninefold_agent::chaos::{self, Progress, Report, VerifyError, VerifyOptions};
use ninefold_agent::{AdminClient, Located, StateFolder};

use crate::print;

/// One node, or all that run on this machine.
#[derive(Debug)]
pub(super) struct Ways {
    /// Where faults are booked: of several nodes, the folder of all of them.
    pub(super) state: StateFolder,
    nodes: Vec<(Option<String>, AdminClient)>,
}

impl Ways {
    /// To the node that runs there, or to it and those beside it.
    pub(super) fn to(located: &Located) -> Self {
        let all = located.state.path().parent().map(StateFolder::at);
        match (located.node, all) {
            (Some(number), Some(all)) => {
                let mut running = all.nodes();
                running.retain(|(_, node)| node.is_running());
                // The one that is meant is asked.
                running.sort_by_key(|(other, _)| (*other != number, *other));
                let numbers: Vec<u32> = running.into_iter().map(|(number, _)| number).collect();
                Self::to_nodes(all, &numbers)
            }
            _ => Self::to_one(located.state.clone()),
        }
    }

    /// To a node that is alone.
    pub(super) fn to_one(state: StateFolder) -> Self {
        Self {
            nodes: vec![(None, AdminClient::new(&state))],
            state,
        }
    }

    /// To several nodes in the folder of all of them.
    pub(super) fn to_nodes(all: StateFolder, numbers: &[u32]) -> Self {
        let node = |number: &u32| {
            let client = AdminClient::new(&all.node(*number));
            (Some(format!("n{number}")), client)
        };
        Self {
            nodes: numbers.iter().map(node).collect(),
            state: all,
        }
    }

    /// The clients, in the order in which they are asked.
    pub(super) fn clients(&self) -> impl Iterator<Item = &AdminClient> {
        self.nodes.iter().map(|(_, client)| client)
    }

    /// Tries the claims there.
    pub(super) async fn claims(&self, options: &VerifyOptions) -> Result<Report, VerifyError> {
        let nodes: Vec<_> = self
            .nodes
            .iter()
            .map(|(name, system)| chaos::Node {
                name: name.as_deref(),
                system,
            })
            .collect();
        let mut tell = |progress: Progress| print::note(progress);
        // It is large, and there is one.
        Box::pin(chaos::verify_nodes(options, &nodes, &mut tell)).await
    }
}
