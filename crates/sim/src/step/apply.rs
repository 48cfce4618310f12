//! Steps, done.

use super::{Select, Step};
use crate::draw::between;
use crate::host::Stalls;
use crate::link::{Effect, Rule};
use crate::queue::Action;
use crate::simulation::{Simulation, Watch};
use crate::{NodeId, NodeSet};

/// Which nodes a share means follows from the seed, but not from the order of steps.
const SHARES: u64 = 0x5a17;

impl Simulation {
    /// Does what a step says, now.
    pub fn apply(&mut self, step: &Step, watch: &mut dyn Watch) {
        self.history.add_bytes(step.to_string().as_bytes());
        match step {
            Step::Crash(nodes) => self.each(nodes, Self::crash),
            Step::Restart { nodes, blank } => {
                for node in self.select(nodes).iter() {
                    self.restart(node, *blank, watch);
                }
            }
            Step::Stall(nodes, length) => self.each(nodes, |simulation, node| {
                simulation.stall(node, *length);
            }),
            Step::Stalls {
                nodes,
                least,
                most,
                run,
                timers,
            } => {
                let stalls = Stalls {
                    least: *least,
                    most: *most,
                    run: *run,
                    timers: *timers,
                };
                self.each(nodes, |simulation, node| {
                    simulation.begin_stalls(node, stalls)
                });
            }
            Step::Link {
                effect,
                from,
                to,
                flapping,
            } => {
                let (from, to) = (self.select(from), self.select(to));
                self.add(Rule {
                    from,
                    to,
                    effect: *effect,
                    flapping: *flapping,
                    since: self.now,
                });
            }
            Step::Partition(a, b) => {
                let (a, b) = (self.select(a), self.select(b));
                for (from, to) in [(&a, &b), (&b, &a)] {
                    self.add(Rule {
                        from: from.clone(),
                        to: to.clone(),
                        effect: Effect::Loss(1.0),
                        flapping: None,
                        since: self.now,
                    });
                }
            }
            Step::Jump(nodes, by) => self.each(nodes, |simulation, node| {
                let now = simulation.now;
                if let Some(host) = simulation.hosts.get_mut(node.index()) {
                    host.clock.jump(now, *by);
                }
            }),
            Step::Drift(nodes, ppm) => self.each(nodes, |simulation, node| {
                let now = simulation.now;
                if let Some(host) = simulation.hosts.get_mut(node.index()) {
                    host.clock.set_drift(now, *ppm);
                }
            }),
            Step::Heal => self.heal(),
        }
    }

    /// The nodes that are meant.
    #[must_use]
    pub fn select(&self, nodes: &Select) -> NodeSet {
        nodes.nodes(self.topology(), self.seed ^ SHARES)
    }

    fn each(&mut self, nodes: &Select, mut act: impl FnMut(&mut Self, NodeId)) {
        let nodes = self.select(nodes);
        self.truth.touch(&nodes);
        for node in nodes.iter() {
            act(self, node);
        }
    }

    fn crash(&mut self, node: NodeId) {
        self.truth.end(node, self.now);
        if let Some(host) = self.hosts.get_mut(node.index()) {
            host.crash();
        }
    }

    fn restart(&mut self, node: NodeId, blank: bool, watch: &mut dyn Watch) {
        self.crash(node);
        if let Some(host) = self.hosts.get_mut(node.index()).filter(|_| blank) {
            host.disk.0.clear();
        }
        self.truth.touch(&[node].into_iter().collect());
        self.start(node, watch);
    }

    fn stall(&mut self, node: NodeId, length: u64) {
        let now = self.now;
        let host = self.hosts.get_mut(node.index());
        if let Some(host) = host.filter(|host| host.node.is_some()) {
            host.epoch += 1;
            host.stalled = true;
            let resume = Action::Resume { epoch: host.epoch };
            self.queue.push(now.saturating_add(length), node, resume);
        }
    }

    /// The first stall comes within a time of running, so that they are not all at once.
    fn begin_stalls(&mut self, node: NodeId, stalls: Stalls) {
        let wait = between(&mut self.rng, 0, stalls.run);
        let host = self.hosts.get_mut(node.index());
        if let Some(host) = host.filter(|host| host.node.is_some()) {
            host.epoch += 1;
            host.stalled = false;
            host.stalls = Some(stalls);
            let stall = Action::Stall { epoch: host.epoch };
            self.queue.push(self.now.saturating_add(wait), node, stall);
        }
    }

    /// One more of those that come again and again.
    pub(crate) fn stall_again(&mut self, node: NodeId) {
        let host = self.hosts.get(node.index());
        if let Some(stalls) = host.and_then(|host| host.stalls) {
            let length = between(&mut self.rng, stalls.least, stalls.most);
            self.stall(node, length);
        }
    }

    fn heal(&mut self) {
        self.links.heal();
        for (node, host) in (0..).map(NodeId).zip(&mut self.hosts) {
            host.stalls = None;
            if host.stalled {
                host.epoch += 1;
                let resume = Action::Resume { epoch: host.epoch };
                self.queue.push(self.now, node, resume);
            }
        }
    }

    /// A rule on links. Its ends are touched where they are named: not more than half of all.
    fn add(&mut self, rule: Rule) {
        let half = self.topology().nodes() / 2;
        for end in [&rule.from, &rule.to] {
            if end.len() <= half {
                self.truth.touch(end);
            }
        }
        let added = self.links.add(rule);
        assert!(added, "a scenario with too many rules at once");
    }
}
