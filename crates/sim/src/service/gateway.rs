//! The gateway's decisions: production's, around what it knows of its endpoints.

use std::time::Duration;

use ninefold_core::balance::{Eligible, drawn, eligible, p2c_by_weight};
use ninefold_core::ejection::{self, Grade, Judge, PoolState};
use ninefold_core::policy::RetryBudget;
use ninefold_core::rng::Rng;
use ninefold_core::time::Timestamp;

use super::endpoint::Endpoint;
use super::places::Places;
use super::{Setup, Sort};
use crate::{NodeId, Topology};

/// Distances: the own zone, the own region, and everywhere else.
const TIERS: usize = 3;

#[derive(Debug)]
pub(super) struct Gateway {
    setup: Setup,
    endpoints: Vec<Endpoint>,
    places: Option<Places>,
    judges: [Judge<usize>; TIERS],
    slow_above: [Option<Duration>; TIERS],
    budget: Option<RetryBudget>,
    rng: Rng,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// A good answer.
    Good,
    /// An answer that speaks against who gave it.
    Bad,
    /// None in time, after the request was sent.
    Silence,
    /// No connection: the request was never sent.
    Unsent,
}

/// As what an endpoint is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is in rotation, and was not tried for this request.
    Fresh,
    /// All have been tried.
    Again,
    /// Its ejection is over, and this request tries it.
    Canary,
}

impl Gateway {
    pub(super) fn new(setup: Setup, topology: &Topology, seed: u64) -> Self {
        let own = topology.zone(setup.gateway);
        let places = setup
            .locality
            .map(|rules| Places::new(topology, own, &setup.regions, rules));
        let endpoint = |home: &NodeId| {
            let place = places
                .as_ref()
                .map(|places| places.find(topology.zone(*home)));
            let (place, tier) = place.unwrap_or_default();
            Endpoint::new(*home, place, tier)
        };
        let endpoints = setup.homes.iter().map(endpoint).collect();
        let budget = setup
            .budget
            .and_then(|config| RetryBudget::new(config).ok());
        Self {
            setup,
            endpoints,
            places,
            judges: Default::default(),
            slow_above: [None; TIERS],
            budget,
            rng: Rng::new(seed),
        }
    }

    pub(super) const fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(super) fn endpoint(&self, ordinal: usize) -> Option<&Endpoint> {
        self.endpoints.get(ordinal)
    }

    /// What is known of the nodes: who is down, and who may be. Gives those that are down now and were not before.
    pub(super) fn learn(
        &mut self,
        is_down: impl Fn(NodeId) -> bool,
        is_withheld: impl Fn(NodeId) -> bool,
    ) -> Vec<usize> {
        let mut lost = Vec::new();
        for (ordinal, one) in self.endpoints.iter_mut().enumerate() {
            let admitted = !is_down(one.home);
            if one.admitted && !admitted {
                lost.push(ordinal);
            }
            one.admit(admitted);
            one.withheld = is_withheld(one.home);
        }
        lost
    }

    /// Whether nobody whom `is_hit` means is in rotation.
    pub(super) fn is_clear_of(&self, is_hit: impl Fn(usize, NodeId) -> bool) -> bool {
        let now = self.eligible();
        let mut taking = now.who.iter().chain(&now.degraded);
        !taking.any(|index| {
            let one = self.endpoints.get(*index);
            one.is_some_and(|one| is_hit(*index, one.home))
        })
    }

    /// Whether all endpoints take traffic.
    pub(super) fn is_whole(&self) -> bool {
        let whole = |one: &Endpoint| one.admitted && !one.is_out();
        self.endpoints.iter().all(whole)
    }

    /// A request has come that may be repeated at its budget's cost.
    pub(super) fn deposit(&self, now: Timestamp) {
        if let Some(budget) = &self.budget {
            budget.deposit(now);
        }
    }

    /// Whether one more try is within the budget.
    pub(super) fn withdraw(&self, now: Timestamp) -> bool {
        let budget = self.budget.as_ref();
        budget.is_none_or(|budget| budget.withdraw(now).is_ok())
    }

    fn eligible(&self) -> Eligible {
        let all: Vec<_> = self
            .endpoints
            .iter()
            .map(|one| (one.standing(), false))
            .collect();
        eligible(&all, &self.setup.wanted)
    }

    /// Who takes a request, and as what.
    pub(super) fn choose(
        &mut self,
        now: Timestamp,
        sort: Sort,
        tried: &[usize],
    ) -> Option<(usize, Turn)> {
        let eligible = self.eligible();
        if eligible.release {
            for index in 0..self.endpoints.len() {
                self.turn(index, now, |one, _| one.health.release(now));
            }
        }
        if let Some(canary) = self.canary(now, sort, tried, &eligible) {
            return Some((canary, Turn::Canary));
        }
        let untried = |who: &[usize]| -> Vec<usize> {
            let untried = who.iter().filter(|one| !tried.contains(one));
            untried.copied().collect()
        };
        let (fresh, degraded) = (untried(&eligible.who), untried(&eligible.degraded));
        let exceeds = tried.is_empty() && self.rng.unit() < eligible.degraded_share;
        if !degraded.is_empty() && (exceeds || fresh.is_empty()) {
            let drawn = self.draw(now, &degraded)?;
            return Some((drawn, Turn::Fresh));
        }
        if fresh.is_empty() {
            let drawn = self.draw(now, &eligible.who)?;
            return Some((drawn, Turn::Again));
        }
        let among = self.among(&eligible.who, fresh, tried);
        if tried.is_empty()
            && let Some(failed) = among.iter().find(|who| self.wants_trial(**who, now))
        {
            return Some((*failed, Turn::Fresh));
        }
        let drawn = self.draw(now, &among)?;
        Some((drawn, Turn::Fresh))
    }

    fn wants_trial(&self, ordinal: usize, now: Timestamp) -> bool {
        let one = self.endpoints.get(ordinal);
        one.is_some_and(|one| one.wants_trial(now))
    }

    fn draw(&mut self, now: Timestamp, among: &[usize]) -> Option<usize> {
        let endpoints = &self.endpoints;
        let one = |nth: usize| endpoints.get(*among.get(nth)?);
        let weight = |nth| one(nth).map_or(0.0, |one| one.weight(now));
        let cost = |nth| one(nth).map_or(f64::MAX, |one| one.cost(now));
        let drawn = p2c_by_weight(&mut self.rng, among.len(), weight, cost)?;
        among.get(drawn).copied()
    }

    /// Whom a request is drawn among: those in a place, and for a repetition those in another zone, the nearest first.
    fn among(&mut self, who: &[usize], fresh: Vec<usize>, tried: &[usize]) -> Vec<usize> {
        let Some(places) = &self.places else {
            return fresh;
        };
        let of = |index: &usize| self.endpoints.get(*index);
        let within = |fits: &dyn Fn(&Endpoint) -> bool| -> Vec<usize> {
            fresh
                .iter()
                .filter(|index| of(index).is_some_and(fits))
                .copied()
                .collect()
        };
        let chosen = if tried.is_empty() {
            let shares = places.shares(&self.endpoints, who);
            let place = drawn(&shares, self.rng.unit());
            within(&|one| Some(one.place) == place)
        } else {
            let used: Vec<usize> = tried.iter().filter_map(of).map(|one| one.place).collect();
            let away = within(&|one| !used.contains(&one.place));
            let nearest = away.iter().filter_map(of).map(|one| one.tier).min();
            let near = |index: &usize| of(index).map(|one| one.tier) == nearest;
            away.into_iter().filter(near).collect()
        };
        if chosen.is_empty() { fresh } else { chosen }
    }

    /// One whose ejection is over, if this request is to try it.
    fn canary(
        &mut self,
        now: Timestamp,
        sort: Sort,
        tried: &[usize],
        eligible: &Eligible,
    ) -> Option<usize> {
        if !tried.is_empty() || eligible.who.is_empty() {
            return None;
        }
        let (rng, rules) = (&mut self.rng, &self.setup.rules);
        self.endpoints.iter().position(|one| {
            let risk = (sort.risk(), now >= one.health.over());
            let since = now.since(one.tried);
            one.admitted
                && one.health.is_canary()
                && rules.canary_due(rng.unit(), risk, one.in_flight(), since)
        })
    }

    pub(super) fn begin(&mut self, ordinal: usize, now: Timestamp) {
        if let Some(one) = self.endpoints.get_mut(ordinal) {
            one.begin(now);
        }
    }

    /// An attempt has ended.
    pub(super) fn end(&mut self, ordinal: usize, now: Timestamp, took: Duration, end: End) {
        let Some(one) = self.endpoints.get_mut(ordinal) else {
            return;
        };
        one.end(now, took, end == End::Good);
        one.kept = one.admitted && matches!(end, End::Good | End::Bad);
        let slow_above = self.slow_above.get(one.tier).copied().flatten();
        let slow = slow_above.is_some_and(|limit| took > limit);
        let rules = self.setup.rules;
        if !rules.is_on() {
            return;
        }
        self.turn(ordinal, now, |one, pool| match end {
            End::Good => one.health.succeed(now, slow, &rules, pool),
            End::Bad => one.health.fail(now, Grade::Error, &rules, pool),
            End::Silence | End::Unsent => one.health.fail(now, Grade::Gateway, &rules, pool),
        });
    }

    /// What is looked at every [`Judge::EVERY`].
    pub(super) fn look(&mut self, now: Timestamp) {
        let rules = self.setup.rules;
        for index in 0..self.endpoints.len() {
            let hurried = !rules.may_eject(self.pool(index));
            self.turn(index, now, |one, _| match one.is_out() {
                true => one.health.pass(now, hurried, &rules),
                false => None,
            });
        }
        let who = self.eligible().who;
        if let Some(places) = &mut self.places {
            places.look(&self.endpoints, &who);
        }
        if !rules.is_on() || self.endpoints.len() < 2 {
            return;
        }
        let mut convicted = Vec::new();
        for (tier, (judge, slow_above)) in
            self.judges.iter_mut().zip(&mut self.slow_above).enumerate()
        {
            let peers = self.endpoints.iter().enumerate();
            let peers: Vec<_> = peers.filter(|(_, one)| one.tier == tier).collect();
            let looks = peers.iter().map(|(index, one)| one.look(*index)).collect();
            let judgement = judge.look(looks, &rules);
            *slow_above = judgement.slow_above.or(*slow_above);
            let whom = judgement.convicted.iter();
            convicted.extend(whom.filter_map(|(nth, _)| peers.get(*nth).map(|(index, _)| *index)));
        }
        for index in convicted {
            self.turn(index, now, |one, pool| {
                one.health.convict(now, &rules, pool)
            });
        }
    }

    fn turn(
        &mut self,
        ordinal: usize,
        now: Timestamp,
        decide: impl FnOnce(&mut Endpoint, PoolState) -> Option<ejection::Turn>,
    ) {
        let pool = self.pool(ordinal);
        if let Some(one) = self.endpoints.get_mut(ordinal)
            && decide(one, pool) == Some(ejection::Turn::Back)
        {
            one.come_back(now);
        }
    }

    fn pool(&self, ordinal: usize) -> PoolState {
        let admitted = self.endpoints.iter().filter(|one| one.admitted);
        let others = self.endpoints.iter().enumerate();
        let others =
            others.filter(|(index, one)| *index != ordinal && one.admitted && one.is_out());
        PoolState {
            admitted: admitted.count(),
            ejected: others.count(),
        }
    }
}
