//! The system under test, with a bound on every call.

use std::time::Duration;

use ninefold_core::event::{Event, FaultNotice, Incident};
use ninefold_core::status::NodeStatus;

use crate::ledger::Ledger;
use crate::process::Process;
use crate::verify::VerifyOptions;
use crate::{Node, System, SystemError};

/// One call at most.
const CALL_LIMIT: Duration = Duration::from_secs(5);

/// What does not change over a run, seen from one of the nodes.
#[derive(Debug)]
pub(crate) struct Bench<'a, S> {
    pub(crate) options: &'a VerifyOptions,
    /// All nodes within reach.
    pub(crate) nodes: &'a [Node<'a, S>],
    /// The one that is asked, and that the load goes to.
    pub(crate) entry: &'a Node<'a, S>,
    pub(crate) ledger: Ledger,
    pub(crate) owner: Process,
    /// Unique per run: begins the ids of faults and requests.
    pub(crate) run: String,
}

impl<'a, S: System> Bench<'a, S> {
    /// The same, seen from the first node that is none of these; nothing if there is none.
    pub(crate) fn beside(&self, struck: &[String]) -> Option<Self> {
        let spared = |node: &&Node<'_, S>| !is_one_of(node, struck);
        Some(Self {
            options: self.options,
            nodes: self.nodes,
            entry: self.nodes.iter().find(spared)?,
            ledger: self.ledger.clone(),
            owner: self.owner,
            run: self.run.clone(),
        })
    }

    /// The nodes but for these.
    pub(crate) fn others(&self, struck: &[String]) -> Vec<&'a Node<'a, S>> {
        let nodes = self.nodes.iter();
        nodes.filter(|node| !is_one_of(node, struck)).collect()
    }

    /// The names of the nodes within reach; none where the only one is alone.
    pub(crate) fn names(&self) -> Vec<&'a str> {
        self.nodes.iter().filter_map(|node| node.name).collect()
    }

    pub(crate) async fn status(&self) -> Result<NodeStatus, SystemError> {
        self.entry.status().await
    }

    /// Tells all nodes, each as `notice` says it.
    pub(crate) async fn announce(
        &self,
        notice: impl Fn(Option<&str>) -> FaultNotice,
    ) -> Result<(), SystemError> {
        for node in self.nodes {
            let told = bounded(node.system.announce(&notice(node.name))).await;
            told.map_err(|error| node.named(error))?;
        }
        Ok(())
    }

    /// Tells all nodes; the first error, if one could not be told.
    pub(crate) async fn end_fault(&self, id: &str, how: &str) -> Result<(), SystemError> {
        let mut end = Ok(());
        for node in self.nodes {
            let told = bounded(node.system.end_fault(id, how)).await;
            if let Err(error) = told {
                end = end.and_then(|()| Err(node.named(error)));
            }
        }
        end
    }
}

fn is_one_of<S>(node: &Node<'_, S>, names: &[String]) -> bool {
    node.name
        .is_some_and(|name| names.iter().any(|one| one == name))
}

impl<S: System> Node<'_, S> {
    pub(crate) async fn status(&self) -> Result<NodeStatus, SystemError> {
        bounded(self.system.status()).await
    }

    pub(crate) async fn incidents(&self) -> Result<Vec<Incident>, SystemError> {
        bounded(self.system.incidents()).await
    }

    pub(crate) async fn events(&self, after: u64) -> Result<Vec<Event>, SystemError> {
        bounded(self.system.events(after)).await
    }

    /// An error, and whose it is where there are several.
    pub(crate) fn named(&self, error: SystemError) -> SystemError {
        match self.name {
            Some(name) => SystemError(format!("{name}: {error}")),
            None => error,
        }
    }
}

async fn bounded<T>(call: impl Future<Output = Result<T, SystemError>>) -> Result<T, SystemError> {
    match tokio::time::timeout(CALL_LIMIT, call).await {
        Ok(end) => end,
        Err(_elapsed) => Err(SystemError(format!("no answer within {CALL_LIMIT:?}"))),
    }
}
