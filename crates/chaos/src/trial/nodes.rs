//! Faults of whole nodes: who they are, what the others say of them, and until when they are away.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ninefold_core::event::{Event, EventKind};
use ninefold_core::status::NodeStatus;
use ninefold_core::time::Timestamp;

use super::bench::Bench;
use super::experiment::Experiment;
use super::view;
use super::watchdog::Setback;
use crate::fault::{NodeTarget, Side, Target, dropped};
use crate::process::{Presence, Process};
use crate::{Node, System, clock};

/// How often it is looked while something is waited for.
const POLL: Duration = Duration::from_millis(20);
/// Pages of a journal that are passed over at most to come to its end.
const PAGES_MAX: u32 = 1_000;
/// How long nodes may take to come back behind a cut: one that was convicted lately is held off for a while.
pub(super) const REJOIN_MAX: Duration = Duration::from_secs(180);
/// How long a cut may take to drop a packet: nodes gossip many times a second.
const DROP_LIMIT: Duration = Duration::from_secs(5);

/// The process of a node, named for good: it answered under this pid before and after its start time was read.
pub(crate) async fn process_of<S: System>(node: &Node<'_, S>) -> Result<Process, Setback> {
    let asked = async || node.status().await.map_err(|error| node.named(error));
    let before = asked().await?;
    let process = Process::find(before.pid);
    let after = asked().await?;
    let same = (before.pid, before.started) == (after.pid, after.started);
    process
        .filter(|process| same && process.presence() == Presence::Running)
        .ok_or_else(|| {
            let name = node.name.unwrap_or("the node");
            Setback::Because(format!(
                "{name} says that it is pid {}, and no such process runs here",
                after.pid
            ))
        })
}

/// Who these nodes are now.
pub(super) async fn targets<S: System>(
    bench: &Bench<'_, S>,
    names: &[String],
) -> Result<Vec<NodeTarget>, Setback> {
    let mut targets = Vec::new();
    for name in names {
        let is = |node: &&Node<'_, S>| node.name == Some(name);
        let node = bench.nodes.iter().find(is);
        let node = node.ok_or_else(|| Setback::Because(format!("{name} is not within reach")))?;
        targets.push(NodeTarget {
            name: name.clone(),
            process: process_of(node).await?,
        });
    }
    Ok(targets)
}

/// The processes of the nodes that a fault spares, and of an `up` that `verify` has started.
pub(super) async fn spared<S: System>(
    bench: &Bench<'_, S>,
    struck: &[String],
) -> Result<Vec<Process>, Setback> {
    let mut spared: Vec<Process> = bench.options.owned_up.into_iter().collect();
    for node in bench.others(struck) {
        spared.push(process_of(node).await?);
    }
    Ok(spared)
}

/// What is watched of nodes that a fault is done to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NodesSeen {
    /// When the last of them was convicted, by whichever other node was the first to do so.
    pub(super) convicted: Option<Timestamp>,
    /// When none of their instances was left in rotation at the node that the load goes to.
    pub(super) isolated: Option<Timestamp>,
    /// Of a cut: from its end until all were back.
    pub(super) rejoined: Option<Duration>,
}

/// The journals of the nodes that a fault spares, from its announcement on.
#[derive(Debug)]
pub(super) struct Journals<'a, S> {
    /// The one that is asked comes first.
    read: Vec<(&'a Node<'a, S>, u64)>,
    said: Said,
}

/// What they said.
#[derive(Debug, Default)]
struct Said {
    /// By node that the fault is done to.
    of: BTreeMap<String, Word>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Word {
    /// When it was first said to be down.
    down: Option<Timestamp>,
    /// When it was last said to be there again, by the node that is asked.
    back: Option<Timestamp>,
}

impl Said {
    fn learn(&mut self, event: &Event, by_entry: bool) {
        let EventKind::Member { node, change } = &event.kind else {
            return;
        };
        let Some(word) = self.of.get_mut(node) else {
            return;
        };
        match &**change {
            "down" => {
                let first = word.down.map_or(event.at, |down| down.min(event.at));
                word.down = Some(first);
            }
            "returned" | "restarted" | "joined" if by_entry => word.back = Some(event.at),
            _ => {}
        }
    }

    /// When the last of them was said to be down, once all were.
    fn convicted(&self) -> Option<Timestamp> {
        let each = self.of.values().map(|word| word.down);
        each.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// When the last of them was said to be back.
    fn back(&self) -> Option<Timestamp> {
        self.of.values().filter_map(|word| word.back).max()
    }

    /// The first of whom nobody said anything.
    fn unnoticed(&self) -> Option<&str> {
        let silent = |(_, word): &(&String, &Word)| **word == Word::default();
        self.of.iter().find(silent).map(|(node, _)| node.as_str())
    }
}

impl<'a, S: System> Journals<'a, S> {
    /// From now on, of the nodes that `struck` leaves.
    pub(super) async fn begin(bench: &Bench<'a, S>, struck: &[String]) -> Result<Self, Setback> {
        let spared = |node: &&Node<'_, S>| {
            let hit = |name| struck.iter().any(|one| one == name);
            !node.name.is_some_and(hit) && !std::ptr::eq(*node, bench.entry)
        };
        let mut read = Vec::new();
        for node in [bench.entry]
            .into_iter()
            .chain(bench.nodes.iter().filter(spared))
        {
            let mut after = 0;
            for _ in 0..PAGES_MAX {
                let page = node
                    .events(after)
                    .await
                    .map_err(|error| node.named(error))?;
                match page.last() {
                    Some(last) => after = last.seq,
                    None => break,
                }
            }
            read.push((node, after));
        }
        let of = struck.iter().map(|name| (name.clone(), Word::default()));
        let said = Said { of: of.collect() };
        Ok(Self { read, said })
    }

    /// Reads what is new. Who does not answer now does the next time.
    async fn read(&mut self) {
        for (at, (node, after)) in self.read.iter_mut().enumerate() {
            let Ok(events) = node.events(*after).await else {
                continue;
            };
            for event in events {
                *after = event.seq.max(*after);
                self.said.learn(&event, at == 0);
            }
        }
    }
}

/// Waits until killed nodes are there again and every instance is ready: when, or nothing if it took longer than
/// the experiment watches. An error if no other node said anything of the death.
pub(super) async fn recovery<S: System>(
    bench: &Bench<'_, S>,
    experiment: &Experiment,
    injected: Timestamp,
    before: &NodeStatus,
    (nodes, targets): (&[NodeTarget], &[Target]),
    journals: &mut Journals<'_, S>,
    seen: &mut NodesSeen,
) -> Result<Option<Timestamp>, Setback> {
    let instances = view::supervised(before).len();
    let deadline = Instant::now() + experiment.watch;
    let recovered = loop {
        let over = Instant::now() >= deadline;
        if let Ok(status) = bench.status().await {
            look(&status, targets, seen);
            if view::recovered(&status, instances, targets, |_| false)
                && all_there(bench, &status, nodes).await
            {
                let by_instances = view::recovered_at(&status, injected, clock::wall());
                journals.read().await;
                let by_nodes = journals.said.back().unwrap_or(by_instances);
                break Some(by_instances.max(by_nodes));
            }
        }
        journals.read().await;
        if over {
            break None;
        }
        tokio::time::sleep(POLL).await;
    };
    seen.convicted = journals.said.convicted();
    match journals.said.unnoticed() {
        Some(node) => Err(Setback::Because(format!(
            "the death of {node} could not be shown: no other node's journal says a word of it"
        ))),
        None => Ok(recovered),
    }
}

fn look(status: &NodeStatus, targets: &[Target], seen: &mut NodesSeen) {
    if seen.isolated.is_none() && view::out_of_rotation(status, targets) {
        seen.isolated = Some(status.at);
    }
}

/// Whether all nodes are members again, as the node that is asked and those that were away see it.
async fn all_there<S: System>(
    bench: &Bench<'_, S>,
    status: &NodeStatus,
    nodes: &[NodeTarget],
) -> bool {
    let names = bench.names();
    if !view::absent(status, &names).is_empty() {
        return false;
    }
    for node in bench.nodes {
        let away = nodes.iter().any(|target| node.name == Some(&target.name));
        if !away {
            continue;
        }
        let Ok(own) = node.status().await else {
            return false;
        };
        if own.phase != "running" || !view::absent(&own, &names).is_empty() {
            return false;
        }
    }
    true
}

/// Waits until a cut has dropped a packet.
pub(super) async fn prove_cut(table: &str) -> Result<(), Setback> {
    let deadline = Instant::now() + DROP_LIMIT;
    loop {
        let table = table.to_owned();
        let looked = tokio::task::spawn_blocking(move || dropped(&table)).await;
        if looked.is_ok_and(|count| count > Some(0)) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(Setback::Because(format!(
                "the cut could not be shown: it dropped no packet within {DROP_LIMIT:?}"
            )));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Waits until none of the instances of nodes that are cut off is in rotation, and the nodes are convicted: when the
/// former was, or nothing if it took longer than the experiment watches.
pub(super) async fn kept_away<S: System>(
    bench: &Bench<'_, S>,
    experiment: &Experiment,
    targets: &[Target],
    journals: &mut Journals<'_, S>,
    seen: &mut NodesSeen,
) -> Option<Timestamp> {
    let deadline = Instant::now() + experiment.watch;
    loop {
        journals.read().await;
        seen.convicted = journals.said.convicted();
        if let Ok(status) = bench.status().await {
            look(&status, targets, seen);
        }
        let done = seen.isolated.is_some() && seen.convicted.is_some();
        if done || Instant::now() >= deadline {
            return seen.isolated;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Waits until all are back behind a cut; how long it took, or nothing if they stay away.
pub(super) async fn rejoined<S: System>(
    bench: &Bench<'_, S>,
    before: &NodeStatus,
    nodes: &[NodeTarget],
) -> Option<Duration> {
    let began = Instant::now();
    let instances = view::supervised(before).len();
    while began.elapsed() < REJOIN_MAX {
        if let Ok(status) = bench.status().await
            && view::all_ready(&view::supervised(&status), instances)
            && all_there(bench, &status, nodes).await
        {
            return Some(began.elapsed());
        }
        tokio::time::sleep(POLL).await;
    }
    None
}

/// The two sides of a cut: those that are cut off, and all others.
pub(super) fn sides(status: &NodeStatus, off: &[String]) -> Result<(Side, Side), String> {
    let (mut cut, mut others) = (Side::default(), Side::default());
    let mut side = |node: &str, add: &dyn Fn(&mut Side)| match off.iter().any(|one| one == node) {
        true => add(&mut cut),
        false => add(&mut others),
    };
    for member in &status.members {
        let address = member.address.parse().map_err(|_refused| {
            format!(
                "{} gossips at `{}`, which is no address",
                member.node, member.address
            )
        })?;
        side(&member.node, &|side| side.gossip.push(address));
    }
    for instance in view::supervised(status) {
        let address = instance.address.parse();
        if let (Some(node), Ok(address)) = (&instance.node, address) {
            side(node, &|side| side.instances.push(address));
        }
    }
    Ok((cut, others))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(ms: u64, node: &str, change: &str) -> Event {
        Event {
            seq: ms,
            at: Timestamp::ZERO + Duration::from_millis(ms),
            kind: EventKind::Member {
                node: node.to_owned(),
                change: change.to_owned(),
            },
        }
    }

    #[test]
    fn the_first_to_convict_counts_and_the_last_to_be_convicted() {
        let of = ["n1", "n2"].map(|name| (name.to_owned(), Word::default()));
        let mut said = Said { of: of.into() };
        assert_eq!((said.convicted(), said.unnoticed()), (None, Some("n1")));
        let at = |ms| Some(member(ms, "n1", "down").at);
        said.learn(&member(40, "n1", "down"), true);
        said.learn(&member(30, "n1", "down"), false);
        said.learn(&member(10, "n3", "down"), false);
        assert_eq!((said.convicted(), said.unnoticed()), (None, Some("n2")));
        said.learn(&member(50, "n2", "down"), false);
        assert_eq!((said.convicted(), said.unnoticed()), (at(50), None));
        said.learn(&member(60, "n1", "returned"), false);
        assert_eq!(said.back(), None, "by the node that is asked");
        said.learn(&member(70, "n1", "returned"), true);
        said.learn(&member(65, "n2", "restarted"), true);
        assert_eq!(said.back(), at(70));
    }

    #[test]
    fn a_node_that_is_back_before_anybody_convicts_it_is_noticed() {
        let mut said = Said {
            of: [("n1".to_owned(), Word::default())].into(),
        };
        said.learn(&member(20, "n1", "restarted"), true);
        assert_eq!((said.convicted(), said.unnoticed()), (None, None));
    }
}
