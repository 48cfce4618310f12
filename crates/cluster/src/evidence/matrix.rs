//! From what nodes say of their edges to evidence on nodes, links and zones.
//!
//! An edge that fails has two ends and a way between them, and its observer cannot tell which of the three it is.
//! All observers together can: where most of those that ask a node get no answer it is the node, and otherwise the
//! ways of those that get none; where most of a node's own edges fail it is that node, and what it says of others
//! counts for nothing. Where all nodes of a zone fail it is the zone as well.
//!
//! A direction shows by what arrives: who hears a subject that does not answer has a way *to* it that is closed; who
//! hears nothing cannot say more than that nothing comes *from* it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ninefold_core::observation::HostWord;
use ninefold_core::time::Timestamp;

use super::ledger::{Evidence, Said};
use super::sign::{Channel, Sign};
use super::subject::{Health, Observer, Subject};

/// What one node says of its edges, and of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Who says it.
    pub observer: Arc<str>,
    /// How well it is: see [`Health`].
    pub health: Health,
    /// Whether it stood still lately, as it says itself.
    pub stalled: bool,
    /// Those it asks, with what it makes of their answers and of what others heard for it.
    pub edges: BTreeMap<Arc<str>, (Sign, Option<Sign>)>,
}

/// What is known of a node besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub name: Arc<str>,
    /// Its zone, if it has one.
    pub zone: Option<Arc<str>>,
    /// Which process of it, where that is known.
    pub process: Option<u64>,
    /// Whether it is a member, and not convicted.
    pub alive: bool,
    /// What its host says of it, where it does not answer.
    pub host: HostWord,
}

/// One that is back tells which process it is within so long; what was said of it before stands until then.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

/// A subject's edges, by observer.
type Edges = BTreeMap<Observer, Word>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word {
    sign: Sign,
    relay: Option<Sign>,
    health: Health,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    number: u64,
    /// Its node was convicted, and nobody saw it end.
    given_up: bool,
    /// Since when it is back.
    back: Option<Timestamp>,
}

/// Who says what of whom. A node that is convicted is asked no more: what was said of it last stands until it is back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    words: BTreeMap<Arc<str>, Edges>,
    /// Which process each was last.
    processes: BTreeMap<Arc<str>, Process>,
    /// Links that were said to fail: of these it is told as well that they work again.
    failed: BTreeSet<Subject>,
    /// Who says something of an edge now.
    said: BTreeSet<(Subject, Observer)>,
}

impl Matrix {
    /// Takes what is known at `now`: the reports are those of nodes that this one hears of. Returns what follows from
    /// it for a ledger.
    pub fn step(&mut self, nodes: &[Known], reports: &[Report], now: Timestamp) -> Vec<Evidence> {
        self.learn(nodes, reports, now);
        let failing = self.failing();
        let mut all = Out {
            now,
            said: Vec::new(),
            words: BTreeSet::new(),
        };
        for node in nodes {
            self.on_node(node, failing.contains(&node.name), &mut all);
        }
        for node in nodes {
            let itself = observer(nodes, &node.name);
            let subject = Subject::Node(Arc::clone(&node.name));
            let mut reports = reports.iter();
            let said = match reports.find(|report| report.observer == node.name) {
                Some(report) if report.stalled => Said::Sign(Sign::Stalled),
                Some(_) => Said::Sign(Sign::OnTime),
                None => Said::Nothing(Channel::Clock),
            };
            all.say(subject, itself, said, Health::FULL);
        }
        self.on_links(nodes, &failing, &mut all);
        self.on_zones(nodes, &mut all);
        let before = std::mem::replace(&mut self.said, std::mem::take(&mut all.words));
        for (subject, observer) in before.difference(&self.said) {
            all.take_back(subject, observer);
        }
        all.said
    }

    fn learn(&mut self, nodes: &[Known], reports: &[Report], now: Timestamp) {
        let is_there = |name: &Arc<str>| nodes.iter().any(|node| node.name == *name);
        self.words.retain(|subject, _| is_there(subject));
        self.processes.retain(|subject, _| is_there(subject));
        for node in nodes {
            let mut fresh = Edges::new();
            for report in reports {
                if let Some((sign, relay)) = report.edges.get(&node.name) {
                    let (sign, relay) = (*sign, *relay);
                    let health = report.health;
                    let word = Word {
                        sign,
                        relay,
                        health,
                    };
                    fresh.insert(observer(nodes, &report.observer), word);
                }
            }
            // One that is gone is asked no more, and one that is back not yet: what was said before is the newest
            // there is.
            let waits = self.waits_for_process(node, now);
            let held = self.words.entry(Arc::clone(&node.name)).or_default();
            if !node.alive {
                held.extend(fresh);
                // Whoever had an answer had it before that.
                held.retain(|_, word| word.sign.accuses());
            } else if !fresh.is_empty() && !waits {
                *held = fresh;
            }
        }
    }

    /// Whether it is back, and how it failed is still to be said: that follows from which process it is now.
    fn waits_for_process(&mut self, node: &Known, now: Timestamp) -> bool {
        let Some(process) = self.processes.get_mut(&node.name) else {
            return false;
        };
        if !node.alive || !process.given_up {
            return false;
        }
        let back = *process.back.get_or_insert(now);
        now.since(back) < TOLD_WITHIN
    }

    /// Nodes that most of their observers accuse, and those that accuse most of whom they observe.
    fn failing(&self) -> BTreeSet<Arc<str>> {
        let mut by_observer: BTreeMap<&Arc<str>, (usize, usize)> = BTreeMap::new();
        let mut failing = BTreeSet::new();
        for (subject, edges) in &self.words {
            let bad = edges.values().filter(|word| word.sign.accuses()).count();
            if bad * 2 > edges.len() {
                failing.insert(Arc::clone(subject));
            }
            for (observer, word) in edges {
                let (bad, all) = by_observer.entry(&observer.name).or_default();
                *bad += usize::from(word.sign.accuses());
                *all += 1;
            }
        }
        // Who asks a single one cannot know on which end it is.
        let lost = by_observer
            .into_iter()
            .filter(|(_, (bad, all))| *all > 1 && bad * 2 > *all);
        failing.extend(lost.map(|(name, _)| Arc::clone(name)));
        failing
    }

    fn on_node(&mut self, node: &Known, failing: bool, all: &mut Out) {
        let subject = Subject::Node(Arc::clone(&node.name));
        let host = || Observer::new("host");
        let known = self.processes.get(&node.name).copied();
        if node.alive {
            // One that has just begun has not told yet which process it is.
            if let Some(number) = node.process {
                let process = Process {
                    number,
                    given_up: false,
                    back: None,
                };
                self.processes.insert(Arc::clone(&node.name), process);
                all.say(subject.clone(), host(), Said::Lives(number), Health::FULL);
                if known.is_some_and(|known| known.given_up && known.number == number) {
                    all.sign(subject.clone(), host(), Sign::Survived, Health::FULL);
                }
            }
        } else {
            // That it survived once says nothing of this time.
            let survived = Said::Nothing(Channel::Incarnation);
            all.say(subject.clone(), host(), survived, Health::FULL);
        }
        if !node.alive && node.host == HostWord::Ended {
            let number = known.map_or(0, |known| known.number);
            all.say(subject.clone(), host(), Said::Ended(number), Health::FULL);
        } else if !node.alive
            && let Some(process) = self.processes.get_mut(&node.name)
        {
            process.given_up = true;
            process.back = None;
        }
        for (observer, word) in self.words.get(&node.name).into_iter().flatten() {
            if failing || !word.sign.accuses() {
                all.word(&subject, observer, *word);
            }
        }
    }

    fn on_links(&mut self, nodes: &[Known], failing: &BTreeSet<Arc<str>>, all: &mut Out) {
        let mut said = Vec::new();
        for node in nodes
            .iter()
            .filter(|node| node.alive && !failing.contains(&node.name))
        {
            for (observer, word) in self.words.get(&node.name).into_iter().flatten() {
                if failing.contains(&observer.name) {
                    continue;
                }
                let (there, back) = of_link(word.sign);
                let link = |from: &Arc<str>, to: &Arc<str>| Subject::Link {
                    from: Arc::clone(from),
                    to: Arc::clone(to),
                };
                let there = there.map(|sign| (link(&observer.name, &node.name), sign));
                let back = back.map(|sign| (link(&node.name, &observer.name), sign));
                for (subject, sign) in there.into_iter().chain(back) {
                    if sign.accuses() {
                        self.failed.insert(subject.clone());
                    }
                    said.push((subject, sign, observer, *word));
                }
            }
        }
        self.failed
            .retain(|subject| said.iter().any(|(of, ..)| of == subject));
        for (subject, sign, observer, word) in said {
            if !self.failed.contains(&subject) {
                continue;
            }
            let relay = word.relay.filter(|_| sign.accuses());
            all.word(
                &subject,
                observer,
                Word {
                    sign,
                    relay,
                    ..word
                },
            );
        }
    }

    /// A zone is what those outside of it see, and has two nodes at least: otherwise it is its node.
    fn on_zones(&self, nodes: &[Known], all: &mut Out) {
        let mut zones: BTreeMap<&Arc<str>, Vec<&Known>> = BTreeMap::new();
        for node in nodes {
            if let Some(zone) = &node.zone {
                zones.entry(zone).or_default().push(node);
            }
        }
        for (zone, members) in zones.into_iter().filter(|(_, members)| members.len() > 1) {
            let mut by_observer: BTreeMap<&Observer, Vec<Word>> = BTreeMap::new();
            for (observer, word) in members
                .iter()
                .filter_map(|node| self.words.get(&node.name))
                .flatten()
            {
                if observer.zone.as_ref() != Some(zone) {
                    by_observer.entry(observer).or_default().push(*word);
                }
            }
            for (observer, words) in by_observer {
                // The mildest of what it says: the zone is no worse than its best node.
                let Some(mildest) = words.iter().min_by_key(|word| word.sign).copied() else {
                    continue;
                };
                let bad = words.iter().filter(|word| word.sign.accuses()).count();
                let word = match bad {
                    0 => Word {
                        relay: None,
                        ..mildest
                    },
                    many if many == members.len() => mildest,
                    _ => continue,
                };
                all.word(&Subject::Zone(Arc::clone(zone)), observer, word);
            }
        }
    }
}

/// What a sign says of the way to a subject, and of the way back.
const fn of_link(sign: Sign) -> (Option<Sign>, Option<Sign>) {
    match sign {
        Sign::OneWay => (Some(sign), Some(Sign::Answers)),
        Sign::Silent => (None, Some(sign)),
        _ => (Some(sign), Some(sign)),
    }
}

fn observer(nodes: &[Known], name: &Arc<str>) -> Observer {
    let zone = nodes
        .iter()
        .find(|node| node.name == *name)
        .and_then(|node| node.zone.clone());
    Observer {
        name: Arc::clone(name),
        zone,
    }
}

/// What follows, of one moment.
struct Out {
    now: Timestamp,
    said: Vec<Evidence>,
    words: BTreeSet<(Subject, Observer)>,
}

fn relays_of(observer: &Observer) -> Observer {
    Observer::new(format!("relays of {}", observer.name))
}

impl Out {
    fn sign(&mut self, subject: Subject, observer: Observer, sign: Sign, health: Health) {
        self.say(subject, observer, Said::Sign(sign), health);
    }

    /// What an observer says of an edge, and others for it.
    fn word(&mut self, subject: &Subject, by: &Observer, word: Word) {
        self.words.insert((subject.clone(), by.clone()));
        let edge = Said::Sign(word.sign);
        self.say(subject.clone(), by.clone(), edge, word.health);
        let relay = word.relay.map_or(Said::Nothing(Channel::Relay), Said::Sign);
        self.say(subject.clone(), relays_of(by), relay, word.health);
    }

    /// What it said before does not hold.
    fn take_back(&mut self, subject: &Subject, by: &Observer) {
        let edge = Said::Nothing(Channel::Edge);
        self.say(subject.clone(), by.clone(), edge, Health::FULL);
        let relay = Said::Nothing(Channel::Relay);
        self.say(subject.clone(), relays_of(by), relay, Health::FULL);
    }

    fn say(&mut self, subject: Subject, observer: Observer, said: Said, health: Health) {
        self.said.push(Evidence {
            subject,
            observer,
            at: self.now,
            health,
            said,
        });
    }
}

#[cfg(test)]
mod tests;
