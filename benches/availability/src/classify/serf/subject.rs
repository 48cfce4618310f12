//! Ninefold and serf, as the same faults see them.

use std::path::Path;

use rustix::process::Signal;

use super::super::cluster::{Cluster, NODES, signal};
use super::super::network::Rules;
use super::agents::Agents;
use super::change::{Change, What, all_see_all};
use crate::problem::{Problem, While};

/// One of those that are compared.
#[derive(Debug)]
pub(super) enum Subject {
    Ninefold(Cluster),
    Serf(Agents),
}

impl Subject {
    /// All of them, in the folder.
    pub(super) async fn all(
        ninefold: &Path,
        serf: &Path,
        folder: &Path,
    ) -> Result<Vec<Self>, Problem> {
        let lan = Agents::start(serf, folder, "lan", 1)?;
        let local = Agents::start(serf, folder, "local", 2)?;
        let cluster = Cluster::start(ninefold, &folder.join("ninefold")).await?;
        Ok(vec![
            Self::Ninefold(cluster),
            Self::Serf(lan),
            Self::Serf(local),
        ])
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Ninefold(_) => "ninefold".to_owned(),
            Self::Serf(agents) => format!("serf {}", agents.profile()),
        }
    }

    /// The process of a node.
    pub(super) fn pid(&self, node: usize) -> Result<i32, Problem> {
        match self {
            Self::Ninefold(cluster) => cluster.pid(node),
            Self::Serf(agents) => i32::try_from(agents.pid(node)?).while_("read a pid"),
        }
    }

    /// Kills nodes.
    pub(super) fn kill(&mut self, nodes: &[usize]) -> Result<(), Problem> {
        match self {
            Self::Ninefold(cluster) => {
                let pids = nodes.iter().map(|node| cluster.pid(*node));
                let pids = pids.collect::<Result<Vec<_>, _>>()?;
                pids.into_iter()
                    .try_for_each(|pid| signal(pid, Signal::KILL))
            }
            Self::Serf(agents) => {
                for node in nodes {
                    agents.kill(*node);
                }
                Ok(())
            }
        }
    }

    /// Starts those again that were killed. Ninefold's parent has done so itself.
    pub(super) fn revive(&mut self, nodes: &[usize]) -> Result<(), Problem> {
        match self {
            Self::Ninefold(_) => Ok(()),
            Self::Serf(agents) => nodes.iter().try_for_each(|node| agents.run(*node)),
        }
    }

    /// What goes from one node to another, as nftables has it.
    pub(super) fn way(&self, from: usize, to: usize) -> Vec<String> {
        match self {
            Self::Ninefold(_) => vec![Rules::way(from, to)],
            Self::Serf(agents) => agents.way(from, to).into(),
        }
    }

    /// Users whose connections are to be marked for that.
    pub(super) fn users(&self) -> Vec<usize> {
        match self {
            Self::Ninefold(_) => Vec::new(),
            Self::Serf(agents) => agents.users(),
        }
    }

    /// Where its gossip is: the third number of its addresses, and the port.
    pub(super) async fn gossip(&self) -> Result<(usize, u16), Problem> {
        match self {
            Self::Ninefold(cluster) => Ok((0, cluster.gossip_port(1).await?)),
            Self::Serf(agents) => Ok((agents.net(), agents.port())),
        }
    }

    /// What these nodes have said from a moment on.
    pub(super) async fn said(&self, nodes: &[usize], from: u64) -> Result<Vec<Change>, Problem> {
        let mut said = Vec::new();
        match self {
            Self::Ninefold(cluster) => {
                for node in nodes {
                    let lines = cluster.journal(*node).await?;
                    let of_line = |line| Change::of_event(line, *node);
                    said.extend(lines.lines().filter_map(of_line));
                }
            }
            Self::Serf(agents) => {
                said = agents.heard();
                said.retain(|one| nodes.contains(&one.observer));
            }
        }
        said.retain(|one| one.at >= from);
        Ok(said)
    }

    /// When the process of a node that was killed was there again, or nothing if it was not killed since then.
    pub(super) async fn began(&self, node: usize, from: u64) -> Result<Option<u64>, Problem> {
        let said = self.said(&[node], from).await?;
        let began = said.iter().filter(|one| one.what == What::Began);
        Ok(began.map(|one| one.at).max())
    }

    /// Whether all see all.
    pub(super) async fn is_well(&self) -> bool {
        match self {
            Self::Ninefold(cluster) => {
                for node in 1..=NODES {
                    // A node that is starting does not answer yet.
                    if !cluster.sees_all(node).await.unwrap_or(false) {
                        return false;
                    }
                }
                true
            }
            Self::Serf(agents) => all_see_all(&agents.heard(), NODES),
        }
    }
}
