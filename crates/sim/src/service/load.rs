//! Requests, from when they come until they are answered or failed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use ninefold_core::balance::{LOST_AFTER, again_after};
use ninefold_core::ejection::Judge;
use ninefold_core::rng::Rng;
use ninefold_core::time::{Timestamp, nanos};

use super::gateway::{End, Gateway, Turn};
use super::trouble::Trouble;
use super::{Setup, Sort};
use crate::simulation::{Simulation, Watch};

/// Requests under way at once at most; one more is counted as failed.
const UNDER_WAY_MAX: usize = 100_000;

/// A request that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// When it came, ns from the start.
    pub began: u64,
    /// How long it took, in ns.
    pub took: u64,
    /// Whether it was answered well.
    pub ok: bool,
    /// Whether an attempt at it failed.
    pub hurt: bool,
}

/// An open-loop load on one gateway.
#[derive(Debug)]
pub(super) struct Load {
    gateway: Gateway,
    trouble: Option<Trouble>,
    /// When an instance that the trouble hits was last asked, but for canaries.
    asked: Option<u64>,
    /// When none of them was in rotation for the first time.
    away: Option<u64>,
    rng: Rng,
    queue: BinaryHeap<Reverse<(u64, u64, What)>>,
    order: u64,
    arrivals: u64,
    comes: bool,
    under_way: BTreeMap<u64, Call>,
    ended: Vec<Request>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Look,
    Arrival,
    Attempt {
        call: u64,
    },
    /// The endpoint's answer, or its silence, is there.
    End {
        call: u64,
    },
}

#[derive(Debug)]
struct Call {
    began: u64,
    deadline: u64,
    sort: Sort,
    tried: Vec<usize>,
    attempts: u32,
    hurt: bool,
    now: Option<Attempt>,
}

#[derive(Clone, Copy, Debug)]
struct Attempt {
    ordinal: usize,
    began: u64,
    /// Until when it is waited for.
    until: u64,
    end: End,
}

impl Load {
    /// A load that begins at the simulation's time.
    #[must_use]
    pub(super) fn new(setup: Setup, simulation: &Simulation, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut load = Self {
            gateway: Gateway::new(setup, simulation.topology(), rng.next_u64()),
            trouble: None,
            asked: None,
            away: None,
            rng,
            queue: BinaryHeap::new(),
            order: 0,
            arrivals: 0,
            comes: true,
            under_way: BTreeMap::new(),
            ended: Vec::new(),
        };
        load.at(simulation.now(), What::Arrival);
        load.at(simulation.now(), What::Look);
        load
    }

    /// Lets everything happen that happens by `until`, to the nodes and to the requests.
    pub(super) fn run_until(
        &mut self,
        simulation: &mut Simulation,
        until: u64,
        watch: &mut dyn Watch,
    ) {
        while let Some(Reverse((at, _, what))) = self.queue.peek().copied() {
            if at > until {
                break;
            }
            self.queue.pop();
            simulation.run_until(at, watch);
            self.learn(simulation);
            match what {
                What::Look => {
                    self.gateway.look(Timestamp::from_nanos(at));
                    self.at(at.saturating_add(nanos(Judge::<usize>::EVERY)), What::Look);
                }
                What::Arrival => self.arrive(at),
                What::Attempt { call } => self.attempt(at, call, simulation),
                What::End { call } => self.end(at, call),
            }
            self.look_away(at);
        }
        simulation.run_until(until, watch);
        self.learn(simulation);
        self.look_away(until);
    }

    fn look_away(&mut self, at: u64) {
        if let (None, Some(trouble)) = (self.away, &self.trouble) {
            let clear = self
                .gateway
                .is_clear_of(|ordinal, home| trouble.hits(ordinal, home));
            self.away = clear.then_some(at);
        }
    }

    /// From now on this is so, or nothing of it any more.
    pub(super) fn strike(&mut self, trouble: Option<Trouble>) {
        self.trouble = trouble;
        (self.asked, self.away) = (None, None);
    }

    /// No more requests come.
    pub(super) const fn stop(&mut self) {
        self.comes = false;
    }

    /// When an instance that the trouble hits was last asked, but for those requests that try whether it is well again.
    #[must_use]
    pub(super) const fn asked(&self) -> Option<u64> {
        self.asked
    }

    /// When no instance that the trouble hits was in rotation, for the first time.
    #[must_use]
    pub(super) const fn away(&self) -> Option<u64> {
        self.away
    }

    /// Whether every endpoint takes traffic.
    #[must_use]
    pub(super) fn is_whole(&self) -> bool {
        self.gateway.is_whole()
    }

    /// The requests that have ended, in the order of their ends.
    #[must_use]
    pub(super) fn ended(&self) -> &[Request] {
        &self.ended
    }

    fn at(&mut self, at: u64, what: What) {
        self.order += 1;
        self.queue.push(Reverse((at, self.order, what)));
    }

    /// What the gateway's own node thinks of the others.
    fn learn(&mut self, simulation: &Simulation) {
        let (own, truth) = (self.gateway.setup().gateway, simulation.truth());
        let node = simulation.process(own).map(|(_, node)| node);
        let lost = self.gateway.learn(
            |home| truth.holds_down(own, home),
            |home| node.is_some_and(|node| node.withholds(home)),
        );
        if !lost.is_empty() {
            self.abandon(simulation.now(), &lost);
        }
    }

    /// What may be sent again is not waited for where its node is gone.
    fn abandon(&mut self, at: u64, lost: &[usize]) {
        let mut ends = Vec::new();
        for (call, one) in &mut self.under_way {
            let now = one.now.as_mut().filter(|now| {
                one.sort != Sort::Once && now.end == End::Silence && lost.contains(&now.ordinal)
            });
            if let Some(now) = now {
                let told = now.began.saturating_add(nanos(LOST_AFTER)).max(at);
                now.until = now.until.min(told);
                ends.push((now.until, *call));
            }
        }
        for (until, call) in ends {
            self.at(until, What::End { call });
        }
    }

    fn arrive(&mut self, at: u64) {
        if !self.comes {
            return;
        }
        let setup = self.gateway.setup();
        let (every, timeout) = (setup.every.max(1), nanos(setup.timeout));
        let turn = self.arrivals.checked_rem(setup.sorts.len() as u64);
        let turn = turn.and_then(|turn| usize::try_from(turn).ok());
        let sort = turn.and_then(|turn| setup.sorts.get(turn)).copied();
        let call = self.arrivals;
        self.arrivals += 1;
        self.at(at.saturating_add(every), What::Arrival);
        let one = Call {
            began: at,
            deadline: at.saturating_add(timeout),
            sort: sort.unwrap_or(Sort::Read),
            tried: Vec::new(),
            attempts: 0,
            hurt: false,
            now: None,
        };
        if self.under_way.len() >= UNDER_WAY_MAX {
            return self.conclude(at, &one, false);
        }
        self.gateway.deposit(Timestamp::from_nanos(at));
        self.under_way.insert(call, one);
        self.at(at, What::Attempt { call });
    }

    fn attempt(&mut self, at: u64, call: u64, simulation: &Simulation) {
        let Some(mut one) = self.under_way.remove(&call) else {
            return;
        };
        let now = Timestamp::from_nanos(at);
        let Some((ordinal, turn)) = self.gateway.choose(now, one.sort, &one.tried) else {
            return self.conclude(at, &one, false);
        };
        if turn == Turn::Again {
            // The same one again: it gets a moment, once a try.
            let wait = again_after(one.tried.len(), self.rng.unit());
            let again = at.saturating_add(nanos(wait)).min(one.deadline);
            one.tried.clear();
            self.under_way.insert(call, one);
            return self.at(again, What::Attempt { call });
        }
        self.gateway.begin(ordinal, now);
        if turn != Turn::Canary && self.hits(ordinal) {
            self.asked = Some(at);
        }
        one.attempts += 1;
        let attempt = self.outcome(at, ordinal, one.deadline, simulation);
        one.now = Some(attempt);
        self.under_way.insert(call, one);
        self.at(attempt.until, What::End { call });
    }

    fn hits(&self, ordinal: usize) -> bool {
        let home = self.gateway.endpoint(ordinal).map(|one| one.home);
        let trouble = self.trouble.as_ref();
        home.is_some_and(|home| trouble.is_some_and(|trouble| trouble.hits(ordinal, home)))
    }

    /// What will become of an attempt, if nothing happens meanwhile.
    fn outcome(
        &mut self,
        at: u64,
        ordinal: usize,
        deadline: u64,
        simulation: &Simulation,
    ) -> Attempt {
        let setup = self.gateway.setup();
        let limit = |limit: Duration| at.saturating_add(nanos(limit)).min(deadline);
        let (late, unconnected) = (limit(setup.try_timeout), limit(setup.connect_timeout));
        let (answer, own) = (setup.answer, setup.gateway);
        let Some((home, kept)) = self
            .gateway
            .endpoint(ordinal)
            .map(|one| (one.home, one.kept))
        else {
            return Attempt {
                ordinal,
                began: at,
                until: at,
                end: End::Unsent,
            };
        };
        let trouble = self.trouble.as_ref();
        let silent = trouble.is_some_and(|trouble| trouble.silences(home));
        let rng = &mut self.rng;
        let trips = if kept { 1 } else { 2 };
        let way = |rng: &mut Rng| {
            let topology = simulation.topology();
            topology
                .between(own, home)
                .draw(rng)
                .saturating_add(topology.between(home, own).draw(rng))
        };
        let ways: u64 = (0..trips).map(|_| way(rng)).fold(0, u64::saturating_add);
        let slows = trouble.map_or(0, |trouble| trouble.slows(ordinal, rng));
        let fails = trouble.is_some_and(|trouble| trouble.fails(ordinal, rng));
        let due = at
            .saturating_add(ways)
            .saturating_add(answer.draw(rng))
            .saturating_add(slows);
        let (until, end) = match (silent, kept) {
            (true, false) => (unconnected.min(late), End::Unsent),
            (true, true) => (late, End::Silence),
            (false, _) if due > late => (late, End::Silence),
            (false, _) => (due, if fails { End::Bad } else { End::Good }),
        };
        Attempt {
            ordinal,
            began: at,
            until,
            end,
        }
    }

    fn end(&mut self, at: u64, call: u64) {
        let Some(mut one) = self.under_way.remove(&call) else {
            return;
        };
        let Some(mut attempt) = one.now.take_if(|now| now.until <= at) else {
            // It ended already, or is another one.
            self.under_way.insert(call, one);
            return;
        };
        if self.lost(&attempt) {
            // It would have been answered, but for what has happened since.
            let late = attempt
                .began
                .saturating_add(nanos(self.gateway.setup().try_timeout));
            (attempt.until, attempt.end) = (late.min(one.deadline).max(at), End::Silence);
            one.now = Some(attempt);
            self.under_way.insert(call, one);
            return self.at(attempt.until, What::End { call });
        }
        let took = Duration::from_nanos(at.saturating_sub(attempt.began));
        let now = Timestamp::from_nanos(at);
        self.gateway.end(attempt.ordinal, now, took, attempt.end);
        if attempt.end == End::Good {
            return self.conclude(at, &one, true);
        }
        one.hurt = true;
        one.tried.push(attempt.ordinal);
        let curable = match attempt.end {
            End::Unsent => true,
            End::Silence => one.sort != Sort::Once,
            End::Good | End::Bad => one.sort == Sort::Read,
        };
        let again = curable
            && one.attempts < self.gateway.setup().attempts
            && at < one.deadline
            && self.gateway.withdraw(now);
        if !again {
            return self.conclude(at, &one, false);
        }
        self.under_way.insert(call, one);
        self.at(at, What::Attempt { call });
    }

    /// Whether the answer that is due will not come after all.
    fn lost(&self, attempt: &Attempt) -> bool {
        let home = self.gateway.endpoint(attempt.ordinal).map(|one| one.home);
        let silent = |home| {
            let trouble = self.trouble.as_ref();
            trouble.is_some_and(|trouble| trouble.silences(home))
        };
        matches!(attempt.end, End::Good | End::Bad) && home.is_some_and(silent)
    }

    fn conclude(&mut self, at: u64, call: &Call, ok: bool) {
        self.ended.push(Request {
            began: call.began,
            took: at.saturating_sub(call.began),
            ok,
            hurt: call.hurt,
        });
    }
}
