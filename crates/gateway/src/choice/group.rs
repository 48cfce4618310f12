//! The endpoints of one service, and the draw among them.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ninefold_config::model::{Balance, HashBalance};
use ninefold_core::balance::{
    Eligible, HashTable, Prequal, RoundRobin, TRIAL_AFTER, cost, eligible, load_max, p2c,
    p2c_by_weight,
};
use ninefold_core::ejection::Risk;
use ninefold_core::rng::Rng;
use ninefold_core::time::Timestamp;

use super::parts::{Among, Parts};
use super::{Ask, Local};
use crate::fleet::{Hub, Place};
use crate::plan::ServicePlan;
use crate::upstream::{Reporter, Reports, Upstream};

/// An endpoint is left out when it was not drawn for so many requests for each of those among whom is drawn: chance alone
/// does that to one in 10^13. Then it gets a copy of a request, one at a time, and no more than one in the
/// pause: so five answers, which a judgement takes, are there within two seconds.
const LEFT_OUT_AFTER: u64 = 16;
const SHADOW_PAUSE: Duration = Duration::from_millis(300);

/// Makes the lot of a key among the degraded another one than its lot among endpoints.
const SALT: u64 = 0x6465_6772_6164_6564;

/// The endpoints of one service in one thread's view.
#[derive(Debug, Default)]
pub(crate) struct Group {
    locals: Vec<Local>,
    /// Of which state of their standing the following was made; none yet at first.
    version: Option<u64>,
    now: Eligible,
    /// By endpoint, whether it is among those that may be taken.
    may: Vec<bool>,
    /// Whether canaries try any, and whether a success would clear any.
    canaries: bool,
    troubled: bool,
    /// Whether those that may be taken differ in weight, and until when newcomers do.
    weighted: bool,
    grown_at: Timestamp,
    turns: RoundRobin,
    /// None where all are equally far.
    parts: Option<Box<Parts>>,
    table: Option<HashTable>,
    /// What endpoints said of their load, where they are asked.
    reports: Option<Reports>,
    /// Requests that were drawn so far, and at how many it is looked next who is left out.
    drawn: u64,
    shadow_at: u64,
    /// Names and weights of which the table was made.
    names: Vec<(String, u32)>,
}

/// A draw: by whom, and among whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) plan: &'a ServicePlan,
    pub(crate) ask: Ask,
    /// Who was tried already, and is not to be taken again.
    pub(crate) tried: &'a [Rc<Upstream>],
}

impl Turn<'_> {
    fn untried(&self, local: &Local) -> bool {
        !self
            .tried
            .iter()
            .any(|used| Rc::ptr_eq(used, &local.upstream))
    }

    /// Whether it is in a zone, and in none where the request was tried already.
    fn is_away(&self, local: &Local) -> bool {
        let zone = &local.upstream.endpoint.zone;
        let mut tried = self.tried.iter();
        zone.is_some() && tried.all(|used| used.endpoint.zone != *zone)
    }

    fn weight(&self, local: &Local) -> f64 {
        local.weight(self.ask.now, self.plan.slow_start)
    }
}

/// Whether it is among those that a request is drawn among.
fn is_open(turn: Turn<'_>, among: Among, local: &Local) -> bool {
    let endpoint = &local.upstream.endpoint;
    let here = match among {
        Among::All | Among::Degraded => true,
        Among::Place(place) => endpoint.place == place,
        Among::Away(tier) => endpoint.tier == tier && turn.is_away(local),
    };
    here && turn.untried(local)
}

impl Group {
    /// Endpoints in a new view; what goes on from the old one is kept.
    pub(crate) fn new(locals: Vec<Local>, plan: Option<&ServicePlan>, old: Self) -> Self {
        let mut group = Self {
            locals,
            turns: old.turns,
            drawn: old.drawn,
            shadow_at: old.shadow_at,
            parts: plan
                .filter(|plan| plan.locality.is_some())
                .map(|_| Parts::renewed(old.parts)),
            ..Self::default()
        };
        for (position, local) in group.locals.iter().enumerate() {
            local.upstream.stand_at(position);
        }
        if plan.is_some_and(|plan| matches!(plan.balance, Balance::Prequal(_))) {
            group.reports = Some(old.reports.unwrap_or_default());
        }
        let Some((plan, Balance::Hash(hash))) = plan.map(|plan| (plan, &plan.balance)) else {
            return group;
        };
        let name = |local: &Local| {
            // Other gateways may count endpoints differently; addresses are the same for all. A
            // replica may come back at another address.
            let endpoint = &local.upstream.endpoint;
            let name = if plan.external {
                endpoint.address.to_string()
            } else {
                endpoint.label.to_string()
            };
            (name, local.member.weight)
        };
        group.names = group.locals.iter().map(name).collect();
        group.table = old.table.filter(|_| old.names == group.names).or_else(|| {
            let table = if hash.maglev {
                HashTable::maglev(&group.names)
            } else {
                HashTable::ring(&group.names)
            };
            Some(table)
        });
        group
    }

    pub(crate) fn locals(&self) -> &[Local] {
        &self.locals
    }

    pub(crate) fn into_locals(self) -> (Vec<Local>, Self) {
        let mut rest = self;
        (std::mem::take(&mut rest.locals), rest)
    }

    /// Looks who may be taken, if that may have changed. Brings ejected endpoints back where nothing
    /// else is left: something suspicious is better than nothing.
    pub(crate) fn look(&mut self, hub: &Hub, service: usize, plan: &ServicePlan) {
        let version = hub.standing_version(service);
        let spills = |parts: &Parts| parts.spill != hub.spill_version(service);
        if self.version == Some(version) && !self.parts.as_deref().is_some_and(spills) {
            return;
        }
        let members = self.locals.iter().map(|local| &local.member);
        let all: Vec<_> = members.map(|one| (one.standing(), one.backup)).collect();
        self.locals
            .iter()
            .for_each(|local| local.upstream.forgive());
        self.now = eligible(&all, &plan.wanted);
        self.version = Some(version);
        self.may.clear();
        self.may.resize(self.locals.len(), false);
        let (mut weight, mut weighted, mut grown_at) = (None, false, Timestamp::ZERO);
        for index in self.now.who.iter().chain(&self.now.degraded) {
            let (Some(local), Some(may)) = (self.locals.get(*index), self.may.get_mut(*index))
            else {
                continue;
            };
            *may = self.now.degraded.binary_search(index).is_err();
            weighted |= *weight.get_or_insert(local.member.weight) != local.member.weight;
            grown_at = grown_at.max(local.grown_at(plan.slow_start));
        }
        (self.weighted, self.grown_at) = (weighted, grown_at);
        // Whom the balancer may not draw it does not leave out.
        for (local, may) in self.locals.iter().zip(&self.may) {
            if !may {
                local.upstream.draw(0);
            }
        }
        if let Some(parts) = &mut self.parts {
            parts.look(hub, service, &self.locals, &self.now);
        }
        let fates = || {
            self.locals
                .iter()
                .map(|local| &local.upstream.endpoint.fate)
        };
        self.canaries = fates().any(|fate| fate.place() == Place::Canary);
        self.troubled = fates().any(|fate| fate.troubled());
        if self.now.release {
            hub.release_all(service);
        }
    }

    /// The first one that is ready: the active one of an active-passive service.
    pub(crate) fn active(&self) -> Option<&Rc<Upstream>> {
        let active = self.locals.iter().find(|local| local.member.admitted)?;
        Some(&active.upstream)
    }

    /// An endpoint whose ejection is over, if this request is to try it.
    pub(crate) fn canary(&self, hub: &Hub, turn: Turn<'_>, rng: &mut Rng) -> Option<Rc<Upstream>> {
        if !self.canaries || self.now.who.is_empty() {
            return None;
        }
        let Turn { plan, ask, .. } = turn;
        let mut all = self.locals.iter().enumerate();
        let (_, local) = all.find(|(index, local)| {
            let tries = local.member.admitted
                && (self.now.backups || !local.member.backup)
                && local.upstream.endpoint.fate.place() == Place::Canary;
            // Keys are tried where they belong.
            let belongs = || match (&self.table, ask.key) {
                (Some(table), Some(key)) => {
                    let own = table.pick(key, |one| one == *index || self.may(one));
                    own == Some(*index)
                }
                _ => true,
            };
            let unit = rng.unit();
            // Without an idea of how long is long it may have to wait for the whole of a try.
            let risk = match (ask.risk, hub.slow_above(&local.upstream)) {
                (Risk::None, None) => Risk::Delay,
                (risk, _) => risk,
            };
            tries
                && belongs()
                && local
                    .upstream
                    .takes_canary(ask.now, &plan.rules, unit, risk)
        })?;
        Some(Rc::clone(&local.upstream))
    }

    /// Draws one of those that may be taken.
    pub(crate) fn draw(&mut self, turn: Turn<'_>, rng: &mut Rng) -> Option<Rc<Upstream>> {
        let among = self.among(turn, rng);
        let drawn = match (&turn.plan.balance, turn.ask.key) {
            (Balance::RoundRobin, _) if turn.tried.is_empty() && among != Among::Degraded => {
                self.in_turn(turn, among)
            }
            (Balance::Hash(hash), Some(key)) => self.by_key(turn, among, hash, key),
            // Neither a repetition nor what others cannot take changes whose turn it is.
            (Balance::LeastRequest | Balance::RoundRobin, _) => {
                self.better_of_two(turn, among, rng, |_| 0.0)
            }
            (Balance::P2c | Balance::Prequal(_) | Balance::Hash(_), _) => {
                let trial = self.trial(turn, among);
                trial
                    .or_else(|| self.least_loaded(turn, among, rng))
                    .or_else(|| self.quicker_of_two(turn, among, rng))
            }
        };
        let local = self.locals.get(drawn?)?;
        self.drawn += 1;
        local.upstream.draw(self.drawn);
        Some(Rc::clone(&local.upstream))
    }

    /// One that the balancer leaves out although it might draw it, of those as near as `beside`, if it is to be looked
    /// after now. Little traffic goes to who is far away, and that says nothing of them.
    pub(crate) fn left_out(
        &mut self,
        plan: &ServicePlan,
        beside: &Upstream,
        now: Timestamp,
    ) -> Option<Rc<Upstream>> {
        if self.drawn < self.shadow_at {
            return None;
        }
        self.shadow_at = self.drawn + LEFT_OUT_AFTER;
        // Keys and turns leave nobody out for how it answers.
        let by_latency = matches!(
            plan.balance,
            Balance::P2c | Balance::Prequal(_) | Balance::LeastRequest
        );
        if !by_latency || plan.active_passive || beside.endpoint.tier > 0 {
            return None;
        }
        let near = |index: &&usize| {
            let local = self.locals.get(**index);
            local.is_some_and(|local| local.upstream.endpoint.place == beside.endpoint.place)
        };
        let near: Vec<usize> = self.now.who.iter().filter(near).copied().collect();
        let long = LEFT_OUT_AFTER * near.len() as u64;
        let mut all = near.iter().filter_map(|index| self.locals.get(*index));
        let due = |local: &&Local| {
            local.upstream.left_out_for(self.drawn) >= long
                && local.upstream.takes_shadow(now, SHADOW_PAUSE)
        };
        all.find(due).map(|local| Rc::clone(&local.upstream))
    }

    fn may(&self, index: usize) -> bool {
        self.may.get(index) == Some(&true)
    }

    /// Whom a request is drawn among: those in a place, where traffic stays near. A repetition goes
    /// to another zone where there is one, the nearest first: what failed may be the zone.
    fn among(&self, turn: Turn<'_>, rng: &mut Rng) -> Among {
        if turn.tried.is_empty() {
            if !self.now.degraded.is_empty() && self.exceeds(turn.ask.key, rng) {
                return Among::Degraded;
            }
            let parts = self.parts.as_ref();
            let place = parts.and_then(|parts| parts.draw(turn.ask.key, rng));
            return place.map_or(Among::All, Among::Place);
        }
        let may = self.now.who.iter();
        let mut untried = may
            .filter_map(|index| self.locals.get(*index))
            .filter(|local| turn.untried(local))
            .peekable();
        if untried.peek().is_none() && !self.now.degraded.is_empty() {
            return Among::Degraded;
        }
        let away = untried.filter(|local| turn.is_away(local));
        let nearest = away.map(|local| local.upstream.endpoint.tier).min();
        nearest.map_or(Among::All, Among::Away)
    }

    /// Whether a request is one that those which are not degraded cannot take; the same ones by key.
    fn exceeds(&self, key: Option<u64>, rng: &mut Rng) -> bool {
        let lot = match key {
            Some(key) => Rng::new(key ^ SALT).unit(),
            None => rng.unit(),
        };
        lot < self.now.degraded_share
    }

    /// Those that may be taken, of a place or of all.
    fn who(&self, among: Among) -> &[usize] {
        match (among, &self.parts) {
            (Among::Place(place), Some(parts)) => parts.who(place),
            (Among::Degraded, _) => &self.now.degraded,
            _ => &self.now.who,
        }
    }

    /// An endpoint that this request may be sent to.
    fn open(&self, turn: Turn<'_>, among: Among, index: usize) -> Option<&Local> {
        let may = match among {
            Among::Degraded => self.now.degraded.binary_search(&index).is_ok(),
            _ => self.may(index),
        };
        let local = self.locals.get(index).filter(|_| may)?;
        is_open(turn, among, local).then_some(local)
    }

    /// One that failed and that nobody has tried for a while.
    fn trial(&self, turn: Turn<'_>, among: Among) -> Option<usize> {
        if !self.troubled || !turn.tried.is_empty() {
            return None;
        }
        let wants = |index: &&usize| {
            let local = self.locals.get(**index);
            local.is_some_and(|one| one.upstream.wants_trial(turn.ask.now, TRIAL_AFTER))
        };
        self.who(among).iter().find(wants).copied()
    }

    /// By what endpoints say; none where they are not asked, or too few have said anything.
    fn least_loaded(&self, turn: Turn<'_>, among: Among, rng: &mut Rng) -> Option<usize> {
        let mut reports = self.reports.as_ref()?.borrow_mut();
        // The share of a newcomer grows, whatever it says.
        let lot = rng.unit();
        let grown = |one: &Local| one.ramp(turn.ask.now, turn.plan.slow_start) > lot;
        let may = |who: &Reporter| {
            let position = who.upstream().map(|one| one.position());
            let local = position.and_then(|position| self.open(turn, among, position));
            local.is_some_and(grown)
        };
        let chosen = reports.choose(self.who(among).len(), turn.ask.now, may)?;
        Some(chosen.upstream()?.position())
    }

    /// Asks a few endpoints for their load, where that is how they are chosen.
    pub(crate) fn ask_around(&self, hub: &Arc<Hub>, plan: &ServicePlan, rng: &mut Rng) {
        let (Some(reports), Balance::Prequal(prequal)) = (&self.reports, &plan.balance) else {
            return;
        };
        let who = &self.now.who;
        let asked = Prequal::<Reporter>::probes(rng, who.len());
        for local in asked.filter_map(|nth| self.locals.get(*who.get(nth)?)) {
            local.upstream.ask_load(hub, &prequal.probe, reports);
        }
    }

    fn quicker_of_two(&self, turn: Turn<'_>, among: Among, rng: &mut Rng) -> Option<usize> {
        let Ask { now, at, .. } = turn.ask;
        self.better_of_two(turn, among, rng, |local| local.upstream.latency_ns(now, at))
    }

    fn better_of_two(
        &self,
        turn: Turn<'_>,
        among: Among,
        rng: &mut Rng,
        latency_of: impl Fn(&Local) -> f64,
    ) -> Option<usize> {
        let untried: Vec<usize>;
        let who = if turn.tried.is_empty() {
            self.who(among)
        } else {
            let may = self.who(among).iter().copied();
            untried = may
                .filter(|index| self.open(turn, among, *index).is_some())
                .collect();
            &untried
        };
        let local = |nth: usize| who.get(nth).and_then(|index| self.locals.get(*index));
        let cost_of = |nth: usize| {
            local(nth).map_or(f64::INFINITY, |local| {
                cost(latency_of(local), local.upstream.load(), turn.weight(local))
            })
        };
        let drawn = if self.weighted || turn.ask.now < self.grown_at {
            let weight_of = |nth: usize| local(nth).map_or(0.0, |local| turn.weight(local));
            p2c_by_weight(rng, who.len(), weight_of, cost_of)
        } else {
            p2c(rng, who.len(), cost_of)
        };
        who.get(drawn?).copied()
    }

    fn in_turn(&mut self, turn: Turn<'_>, among: Among) -> Option<usize> {
        let Self {
            locals,
            may,
            turns,
            parts,
            ..
        } = self;
        let turns = match (among, parts) {
            (Among::Place(place), Some(parts)) => parts.turns(place)?,
            _ => turns,
        };
        turns.next(locals.len(), |index| {
            let local = locals.get(index)?;
            let local = is_open(turn, among, local).then_some(local)?;
            (may.get(index) == Some(&true)).then(|| turn.weight(local))
        })
    }

    /// Where the key belongs, or next to it if that has too much to do. The keys of a newcomer come
    /// to it as its share grows.
    fn by_key(&self, turn: Turn<'_>, among: Among, hash: &HashBalance, key: u64) -> Option<usize> {
        let open = |index: usize| self.open(turn, among, index);
        let (mut under_way, mut weights) = (0u32, 0.0);
        for local in self.who(among).iter().filter_map(|index| open(*index)) {
            under_way = under_way.saturating_add(local.upstream.load());
            weights += turn.weight(local);
        }
        let overload = hash.overload.as_f64();
        let has_room = |index: usize| {
            open(index).is_some_and(|local| {
                let max = load_max(under_way, turn.weight(local), weights, overload);
                f64::from(local.upstream.load()) < max
            })
        };
        let grown = |index: usize| {
            let ramp = open(index).map_or(0.0, |one| one.ramp(turn.ask.now, turn.plan.slow_start));
            let lot = || Rng::new(key.wrapping_add(index as u64)).unit();
            ramp >= 1.0 || lot() < ramp
        };
        let table = self.table.as_ref()?;
        table
            .pick(key, |index| has_room(index) && grown(index))
            .or_else(|| table.pick(key, has_room))
            .or_else(|| table.pick(key, |index| open(index).is_some()))
    }
}
