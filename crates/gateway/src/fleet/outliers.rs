//! Ejection as all threads share it: what they report, the judge's looks, and the way back.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ninefold_core::balance::{Eligible, Standing, eligible};
use ninefold_core::ejection::{
    BUCKETS, Conviction, EndpointHealth, Grade, Judge, Look, PoolState, Tally, Turn,
};
use ninefold_core::id::InstanceId;
use ninefold_core::observation::EjectionGround;
use ninefold_core::time::{Timestamp, nanos};

use super::endpoint::Cause;
use super::hub::lock;
use super::spill::Spill;
use super::{Endpoint, Hub, Member, Place, Snapshot};
use crate::counters::Notice;
use crate::meter::load;
use crate::upstream::Upstream;

/// So many bad answers in a row, while its peers answer well, are as good as a comparison of shares.
const BAD_IN_A_ROW: u32 = 5;

/// Distances: the own zone, the own region, and everywhere else.
const TIERS: usize = 3;

/// What the threads share of one service.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// So that two threads, of whichever generation, never eject the last two endpoints at once.
    pub(super) gate: Arc<Mutex<()>>,
    /// By distance: who is far away is slower by nature, and no worse for it.
    judges: Mutex<[Judge<(InstanceId, u64)>; TIERS]>,
    /// Counts the changes of any endpoint's standing, which generations share.
    pub(super) version: Arc<AtomicU64>,
    /// By distance, nanoseconds that no canary's answer may exceed; 0 while nobody can tell.
    slow_above: [AtomicU64; TIERS],
    pub(super) spill: Spill,
}

impl Pool {
    /// That of the next generation. It counts, and so compares, anew.
    pub(super) fn shared(&self) -> Self {
        Self {
            gate: Arc::clone(&self.gate),
            judges: Mutex::default(),
            version: Arc::clone(&self.version),
            slow_above: self.slow_above().map(AtomicU64::new),
            spill: self.spill.carried(),
        }
    }

    /// By distance, nanoseconds that no canary's answer may exceed; 0 while nobody can tell.
    pub(super) fn slow_above(&self) -> [u64; TIERS] {
        [0, 1, 2].map(|tier: usize| self.slow_above.get(tier).map_or(0, load))
    }

    /// The same as another process knows it.
    pub(super) fn be_slow_above(&self, nanos: [u64; TIERS]) {
        for (mine, nanos) in self.slow_above.iter().zip(nanos) {
            mine.store(nanos, Relaxed);
        }
    }
}

/// What is said about an endpoint.
enum Word<'a> {
    Failed(Grade, &'a str),
    Answered(Duration),
    /// Another one answered while this one had not for so long.
    Outrun(Duration),
    Convicted(&'a Conviction),
    Passed {
        hurried: bool,
    },
    ReadyAgain,
    Released,
}

impl Hub {
    /// Differs whenever the standing of an endpoint of this service did.
    pub(crate) fn standing_version(&self, service: usize) -> u64 {
        let pool = self.pools.get(service);
        pool.map_or(0, |pool| pool.version.load(Acquire))
    }

    /// Longer than this no canary's answer may take; nothing while nobody can tell.
    pub(crate) fn slow_above(&self, upstream: &Upstream) -> Option<Duration> {
        let pool = self.pools.get(upstream.service)?;
        let limit = load(pool.slow_above.get(upstream.endpoint.tier)?);
        (limit != 0).then(|| Duration::from_nanos(limit))
    }

    /// Who of a service may take traffic, as everybody sees it.
    pub(crate) fn eligible(&self, service: usize) -> Eligible {
        let snapshot = self.snapshot.load();
        let members = snapshot.members(service).iter();
        let all: Vec<_> = members.map(|one| (one.standing(), one.backup)).collect();
        let wanted = self.plan.services.get(service).map(|plan| plan.wanted);
        eligible(&all, &wanted.unwrap_or_default())
    }

    /// An attempt failed in a way that speaks against the endpoint.
    pub(crate) fn fail(&self, service: usize, endpoint: &Endpoint, grade: Grade, reason: &str) {
        self.say(service, endpoint, &Word::Failed(grade, reason));
    }

    /// An attempt succeeded although something was held against the endpoint.
    pub(crate) fn absolve(&self, service: usize, endpoint: &Endpoint, took: Duration) {
        self.say(service, endpoint, &Word::Answered(took));
    }

    /// A canary was given up after so long, since another one had answered.
    pub(crate) fn outrun(&self, service: usize, endpoint: &Endpoint, waited: Duration) {
        self.say(service, endpoint, &Word::Outrun(waited));
    }

    /// Ends the ejections of a service because nothing else is left to serve.
    pub(crate) fn release_all(&self, service: usize) {
        let snapshot = self.snapshot.load();
        for member in snapshot.members(service).iter().filter(|m| m.admitted) {
            self.say(service, &member.endpoint, &Word::Released);
        }
    }

    /// Ends ejections whose time is over, and those that are too many since others left.
    pub(crate) fn sweep(&self) {
        let snapshot = self.snapshot.load();
        for (service, members) in snapshot.services.iter().enumerate() {
            let out = |member: &&Member| member.endpoint.fate.place() != Place::In;
            for member in members.iter().filter(out) {
                let pool = self.pool_state(service, &member.endpoint);
                let rules = self.plan.services.get(service).map(|plan| &plan.rules);
                let hurried = !rules.is_some_and(|rules| rules.may_eject(pool));
                self.say(service, &member.endpoint, &Word::Passed { hurried });
            }
        }
    }

    /// Lets those be tried sooner that are ready again while they are ejected.
    pub(super) fn look_who_returned(&self, before: &Snapshot) {
        let snapshot = self.snapshot.load();
        let services = snapshot.services.iter().zip(&before.services);
        for (service, (members, before)) in services.enumerate() {
            let out = |one: &&Member| one.admitted && one.endpoint.fate.place() == Place::Ejected;
            for member in members.iter().filter(out) {
                let mut before = before.iter();
                let was = before.find(|was| Arc::ptr_eq(&was.endpoint, &member.endpoint));
                if was.is_some_and(|was| !was.admitted) {
                    self.say(service, &member.endpoint, &Word::ReadyAgain);
                }
            }
        }
    }

    /// Compares the endpoints of each service with their peers.
    pub(crate) fn judge(&self) {
        let snapshot = self.snapshot.load();
        for (service, (members, pool)) in snapshot.services.iter().zip(&self.pools).enumerate() {
            let Some(plan) = self.plan.services.get(service) else {
                continue;
            };
            self.look_near(service, members, plan);
            if !plan.rules.is_on() || plan.active_passive || members.len() < 2 {
                continue;
            }
            let mut judges = lock(&pool.judges);
            for (tier, (judge, slow_above)) in judges.iter_mut().zip(&pool.slow_above).enumerate() {
                let near = |member: &&Member| member.endpoint.tier == tier;
                let mut peers: Vec<&Member> = members.iter().filter(near).collect();
                let own = peers.len();
                let in_rotation = |member: &&&Member| member.standing() == Standing::In;
                if own > 0 && peers.iter().filter(in_rotation).count() <= 1 {
                    peers.extend(next_farther(members, tier));
                }
                let looks = peers.iter().map(|member| look(member)).collect();
                let judgement = judge.look(looks, &plan.rules);
                if let Some(limit) = judgement.slow_above {
                    slow_above.store(nanos(limit), Relaxed);
                }
                // Of those farther away one would take the way to them for slowness.
                let own = judgement.convicted.iter().filter(|(at, _)| *at < own);
                for (index, conviction) in own {
                    if let Some(member) = peers.get(*index) {
                        self.say(service, &member.endpoint, &Word::Convicted(conviction));
                    }
                }
            }
        }
    }

    /// Compares canaries with the services beside them.
    pub(crate) fn compare(&self) {
        let now = self.clock.now();
        for (route, split) in self.plan.routes.iter().zip(&self.splits) {
            let Some(split) = split else { continue };
            if let Some(worse) = split.look(now) {
                self.notify(Notice::RolledBack {
                    route: Arc::clone(&route.name),
                    service: Arc::clone(&split.service),
                    reason: worse.to_string(),
                });
            }
        }
    }

    /// The only place where an endpoint's standing changes.
    fn say(&self, service: usize, endpoint: &Endpoint, word: &Word<'_>) {
        let (Some(plan), Some(shared)) = (self.plan.services.get(service), self.pools.get(service))
        else {
            return;
        };
        if !plan.rules.is_on() {
            return;
        }
        let gate = lock(&shared.gate);
        let now = self.clock.now();
        let pool = self.pool_state(service, endpoint);
        let mut health = lock(&endpoint.fate.health);
        let was_canary = health.is_canary();
        let turn = match word {
            Word::Failed(grade, _) => health.fail(now, *grade, &plan.rules, pool),
            Word::Outrun(_) if was_canary => health.succeed(now, true, &plan.rules, pool),
            Word::Outrun(_) => None,
            Word::Answered(took) => {
                let limit = shared.slow_above.get(endpoint.tier).map_or(0, load);
                let slow = limit != 0 && nanos(*took) > limit;
                health.succeed(now, slow, &plan.rules, pool)
            }
            Word::Convicted(_) => health.convict(now, &plan.rules, pool),
            Word::Passed { hurried } => health.pass(now, *hurried, &plan.rules),
            Word::ReadyAgain => health.return_ready(now, &plan.rules),
            Word::Released => health.release(now),
        };
        let changed = endpoint.fate.show(&health);
        match turn {
            Some(Turn::Ejected(lasts)) => {
                self.eject(service, endpoint, &health, word, was_canary, lasts);
            }
            Some(Turn::Back) => self.bring_back(endpoint, now),
            None => {}
        }
        if changed || turn.is_some() {
            shared.version.fetch_add(1, Release);
        }
        drop((health, gate));
    }

    fn eject(
        &self,
        service: usize,
        endpoint: &Endpoint,
        health: &MutexGuard<'_, EndpointHealth>,
        word: &Word<'_>,
        was_canary: bool,
        duration: Duration,
    ) {
        let (streak, gateway) = health.streaks();
        let before = endpoint.fate.ground();
        let (cause, reason) = match word {
            Word::Failed(_, last) if was_canary => (
                Cause::Canary,
                format!("failed again when it was tried: {last}"),
            ),
            Word::Failed(_, last) => {
                let kind = if gateway == streak { " to answer" } else { "" };
                let reason = format!("{streak} failures{kind} in a row, the last one: {last}");
                (Cause::Failures, reason)
            }
            Word::Convicted(why @ Conviction::Slow { .. }) => (Cause::Latency, why.to_string()),
            Word::Convicted(why @ Conviction::Failing { .. }) => {
                (Cause::SuccessRate, why.to_string())
            }
            Word::Answered(took) => {
                let took = ninefold_core::time::short(nanos(*took));
                let reason = format!("still slow when it was tried: {took}");
                (Cause::Canary, reason)
            }
            // Whether it is slow, or gone as it was before, nobody has seen.
            Word::Outrun(waited) => {
                let waited = ninefold_core::time::short(nanos(*waited));
                let reason = match before {
                    EjectionGround::Slower => format!("still slow when it was tried: {waited}"),
                    _ => format!("no answer when it was tried, after {waited}"),
                };
                (Cause::Canary, reason)
            }
            Word::Passed { .. } | Word::ReadyAgain | Word::Released => return,
        };
        endpoint.ejections.add(cause);
        let badly = gateway == 0 && streak >= BAD_IN_A_ROW;
        let ground = match (cause, word) {
            (Cause::Latency, _) | (_, Word::Answered(_)) => EjectionGround::Slower,
            (_, Word::Outrun(_)) if before == EjectionGround::Slower => before,
            (Cause::Canary, Word::Failed(Grade::Error, _))
                if before == EjectionGround::FailsMore =>
            {
                before
            }
            (Cause::SuccessRate, _) => EjectionGround::FailsMore,
            (Cause::Failures, _) if badly && self.peers_answer(service, endpoint) => {
                EjectionGround::FailsMore
            }
            (Cause::Failures | Cause::Canary, _) => EjectionGround::Failures,
        };
        *lock(&endpoint.fate.why) = Some((ground, reason.as_str().into()));
        self.notify(Notice::Ejected {
            instance: endpoint.instance.clone(),
            reason,
            ground,
            duration,
        });
    }

    fn bring_back(&self, endpoint: &Endpoint, now: Timestamp) {
        endpoint.fate.back(now);
        *lock(&endpoint.fate.why) = None;
        self.notify(Notice::Readmitted {
            instance: endpoint.instance.clone(),
        });
    }

    /// Whether others are in rotation, and more than half of those were answered well the last time.
    fn peers_answer(&self, service: usize, endpoint: &Endpoint) -> bool {
        let snapshot = self.snapshot.load();
        let peers = snapshot.members(service).iter().filter(|member| {
            member.standing() == Standing::In && !std::ptr::eq(&*member.endpoint, endpoint)
        });
        let (mut asked, mut well) = (0, 0);
        for peer in peers.filter(|peer| tally(&peer.endpoint).attempts > 0) {
            asked += 1;
            well += usize::from(!peer.endpoint.fate.troubled());
        }
        well * 2 > asked
    }

    fn pool_state(&self, service: usize, endpoint: &Endpoint) -> PoolState {
        let snapshot = self.snapshot.load();
        let admitted = snapshot.members(service).iter().filter(|m| m.admitted);
        let (mut total, mut ejected) = (0, 0);
        for member in admitted {
            total += 1;
            let other = !std::ptr::eq(&*member.endpoint, endpoint);
            ejected += usize::from(other && member.endpoint.fate.place() != Place::In);
        }
        let plan = self.plan.services.get(service);
        // A standby must not take over because of an ejection: only readiness decides about that.
        PoolState {
            admitted: if plan.is_some_and(|plan| plan.active_passive) {
                1
            } else {
                total
            },
            ejected,
        }
    }
}

/// Those nearest of who is farther away than a tier: whom one is compared with that is alone in it.
fn next_farther(members: &[Member], tier: usize) -> impl Iterator<Item = &Member> {
    let farther = members.iter().filter(move |one| one.endpoint.tier > tier);
    let nearest = farther.clone().map(|one| one.endpoint.tier).min();
    farther.filter(move |one| Some(one.endpoint.tier) == nearest)
}

/// A member as its judge sees it.
fn look(member: &Member) -> Look<(InstanceId, u64)> {
    Look {
        key: (
            member.endpoint.instance.clone(),
            member.endpoint.incarnation,
        ),
        tally: tally(&member.endpoint),
        in_rotation: member.standing() == Standing::In,
    }
}

/// What all threads counted of an endpoint.
pub(super) fn tally(endpoint: &Endpoint) -> Tally {
    let mut tally = Tally::default();
    for cells in endpoint.cells.iter() {
        tally.attempts += load(&cells.attempts);
        tally.failures += load(&cells.connect_failed)
            + load(&cells.reset)
            + load(&cells.timed_out)
            + load(&cells.server_errors);
        for (sum, cell) in tally.answers.iter_mut().zip(&cells.answers) {
            *sum += load(cell);
        }
    }
    debug_assert_eq!(tally.answers.len(), BUCKETS);
    tally
}
