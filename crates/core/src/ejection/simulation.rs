//! A pool of three in virtual time: arrivals that do not wait for answers, endpoints of a given
//! latency, and everything that decides: choice, judge, ejection, canaries.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::{
    EjectionRules, EndpointHealth, Judge, LatencyRules, Look, PoolState, Risk, SuccessRules, Tally,
    Turn, bucket,
};
use crate::balance::{PeakEwma, cost, p2c};
use crate::rng::Rng;
use crate::time::Timestamp;

const RULES: EjectionRules = EjectionRules {
    failures: 5,
    gateway_failures: 3,
    latency: Some(LatencyRules {
        factor: 3.0,
        samples: 5,
    }),
    success: Some(SuccessRules {
        below: 0.8,
        samples: 10,
    }),
    base: Duration::from_secs(1),
    max: Duration::from_secs(10),
    max_share: 0.5,
    canary: 0.1,
};
const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// The balancer itself avoids what is slow.
    P2c,
    /// It does not: only ejection can.
    RoundRobin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Look,
    Arrival,
    Answer { who: usize, took: Duration },
}

struct Endpoint {
    ewma: PeakEwma,
    in_flight: u32,
    health: EndpointHealth,
    tally: Tally,
    tried: Timestamp,
    /// When it last showed a sign of life, or had nothing to do.
    heard: Timestamp,
    times: f64,
}

struct Pool {
    choice: Choice,
    risk: Risk,
    rng: Rng,
    now: Timestamp,
    events: BinaryHeap<Reverse<(Timestamp, u64, Event)>>,
    order: u64,
    every: Duration,
    next: usize,
    endpoints: Vec<Endpoint>,
    judge: Judge<usize>,
    slow_above: Duration,
    answers: Vec<(Timestamp, Duration)>,
    turns: Vec<(Timestamp, usize, Turn)>,
}

impl Pool {
    fn new(choice: Choice, seed: u64, rate: u32) -> Self {
        let endpoint = || Endpoint {
            ewma: PeakEwma::default(),
            in_flight: 0,
            health: EndpointHealth::default(),
            tally: Tally::default(),
            tried: Timestamp::ZERO,
            heard: Timestamp::ZERO,
            times: 1.0,
        };
        let mut pool = Self {
            choice,
            risk: Risk::Delay,
            rng: Rng::new(seed),
            now: Timestamp::from_secs(1_000),
            events: BinaryHeap::new(),
            order: 0,
            every: SECOND / rate,
            next: 0,
            endpoints: (0..3).map(|_| endpoint()).collect(),
            judge: Judge::default(),
            slow_above: Duration::MAX,
            answers: Vec::new(),
            turns: Vec::new(),
        };
        pool.at(Duration::ZERO, Event::Arrival);
        pool.at(Duration::ZERO, Event::Look);
        pool
    }

    fn at(&mut self, after: Duration, event: Event) {
        self.order += 1;
        self.events
            .push(Reverse((self.now + after, self.order, event)));
    }

    /// Runs on for so long.
    fn run(&mut self, lasts: Duration) {
        let end = self.now + lasts;
        while let Some(Reverse((at, _, event))) = self.events.peek().copied() {
            if at >= end {
                break;
            }
            self.events.pop();
            self.now = at;
            match event {
                Event::Arrival => self.arrive(),
                Event::Look => self.look(),
                Event::Answer { who, took } => self.answer(who, took),
            }
        }
        self.now = end;
    }

    fn arrive(&mut self) {
        let gap = self.every.mul_f64(0.5 + self.rng.unit());
        self.at(gap, Event::Arrival);
        let who = self.choose();
        let endpoint = &mut self.endpoints[who];
        if endpoint.in_flight == 0 {
            endpoint.heard = self.now;
        }
        endpoint.in_flight += 1;
        // 12 to 20 ms, as the measured peers had it.
        let took = (12 * MS + (8 * MS).mul_f64(self.rng.unit())).mul_f64(endpoint.times);
        self.at(took, Event::Answer { who, took });
    }

    fn choose(&mut self) -> usize {
        let now = self.now;
        let canary = self.endpoints.iter().position(|e| e.health.is_canary());
        if let Some(who) = canary {
            let unit = self.rng.unit();
            let endpoint = &mut self.endpoints[who];
            let since = now.since(endpoint.tried);
            let over = now >= endpoint.health.over();
            if RULES.canary_due(unit, (self.risk, over), endpoint.in_flight, since) {
                endpoint.tried = now;
                return who;
            }
        }
        let within: Vec<usize> = (0..self.endpoints.len())
            .filter(|who| !out(&self.endpoints[*who].health))
            .collect();
        match self.choice {
            Choice::RoundRobin => {
                self.next += 1;
                within[self.next % within.len()]
            }
            Choice::P2c => {
                let endpoints = &self.endpoints;
                let taken = p2c(&mut self.rng, within.len(), |index| {
                    let endpoint = &endpoints[within[index]];
                    let stalled = match endpoint.in_flight {
                        0 => Duration::ZERO,
                        _ => now.since(endpoint.heard),
                    };
                    let latency = endpoint.ewma.at_least(now, stalled);
                    cost(latency, endpoint.in_flight, 1.0)
                });
                within[taken.unwrap()]
            }
        }
    }

    fn answer(&mut self, who: usize, took: Duration) {
        let pool = self.others(who);
        let slow = took > self.slow_above;
        let endpoint = &mut self.endpoints[who];
        let canary = endpoint.health.is_canary();
        endpoint.in_flight -= 1;
        endpoint.heard = self.now;
        endpoint.ewma.observe(self.now, took);
        endpoint.tally.attempts += 1;
        endpoint.tally.answers[bucket(took)] += 1;
        let turn = endpoint.health.succeed(self.now, slow, &RULES, pool);
        self.turn(who, turn);
        // A canary that loses nothing is given up once it is late, and answered by another one.
        let hedged = canary && slow && self.risk == Risk::None;
        let answered = if hedged {
            self.slow_above + 20 * MS
        } else {
            took
        };
        self.answers.push((self.now, took.min(answered)));
    }

    fn look(&mut self) {
        self.at(Judge::<usize>::EVERY, Event::Look);
        for who in 0..self.endpoints.len() {
            let turn = self.endpoints[who].health.pass(self.now, false, &RULES);
            self.turn(who, turn);
        }
        let looks = self.endpoints.iter().enumerate().map(|(key, e)| Look {
            key,
            tally: e.tally.clone(),
            in_rotation: !out(&e.health),
        });
        let judgement = self.judge.look(looks.collect(), &RULES);
        self.slow_above = judgement.slow_above.unwrap_or(self.slow_above);
        for (who, _) in judgement.convicted {
            let pool = self.others(who);
            let turn = self.endpoints[who].health.convict(self.now, &RULES, pool);
            self.turn(who, turn);
        }
    }

    /// It was not ready for a moment, and is again.
    fn returns(&mut self, who: usize) {
        let turn = self.endpoints[who].health.return_ready(self.now, &RULES);
        self.turn(who, turn);
    }

    fn others(&self, who: usize) -> PoolState {
        let others = self.endpoints.iter().enumerate();
        let others = others.filter(|(index, e)| *index != who && out(&e.health));
        PoolState {
            admitted: self.endpoints.len(),
            ejected: others.count(),
        }
    }

    fn turn(&mut self, who: usize, turn: Option<Turn>) {
        if let Some(turn) = turn {
            self.turns.push((self.now, who, turn));
        }
    }

    /// The 99th percentile of what was answered within the last `span`.
    fn p99(&self, span: Duration) -> Duration {
        let recent = self.answers.iter().rev();
        let recent = recent.take_while(|(at, _)| self.now.since(*at) < span);
        let mut took: Vec<Duration> = recent.map(|(_, took)| *took).collect();
        took.sort_unstable();
        took[took.len() * 99 / 100]
    }
}

fn out(health: &EndpointHealth) -> bool {
    health.ejected_until().is_some() || health.is_canary()
}

/// The target: p99 at most 1.5 times that of a healthy pool from the fifth second on.
#[test]
fn one_gray_replica_of_three_is_isolated_within_five_seconds() {
    for choice in [Choice::P2c, Choice::RoundRobin] {
        for (seed, rate) in (0..4).flat_map(|seed| [(seed, 100), (seed, 300), (seed, 1_000)]) {
            let mut pool = Pool::new(choice, seed, rate);
            pool.run(20 * SECOND);
            let healthy = pool.p99(10 * SECOND);
            assert!(pool.turns.is_empty(), "seed {seed}: {:?}", pool.turns);
            pool.endpoints[1].times = 10.0;
            let onset = pool.now;
            pool.run(5 * SECOND);
            for _ in 0..11 {
                pool.run(5 * SECOND);
                let gray = pool.p99(5 * SECOND);
                assert!(
                    gray <= healthy.mul_f64(1.5),
                    "seed {seed}, {rate}/s: {gray:?} against {healthy:?}"
                );
            }
            let (at, who, _) = pool.turns[0];
            let took = at.since(onset);
            // Where the balancer avoids it, it gives few answers that could be held against it.
            let limit = match choice {
                Choice::RoundRobin => 3 * SECOND,
                Choice::P2c => 12 * SECOND,
            };
            assert!(who == 1 && took <= limit, "seed {seed}, {rate}/s: {took:?}");
            assert!(pool.turns.iter().all(|(_, who, _)| *who == 1));
        }
    }
}

#[test]
fn no_ejection_outlives_its_cause_for_long() {
    for (seed, choice) in (0..6).flat_map(|s| [(s, Choice::P2c), (s, Choice::RoundRobin)]) {
        let mut pool = Pool::new(choice, seed, 300);
        pool.run(20 * SECOND);
        pool.endpoints[1].times = 10.0;
        pool.run(60 * SECOND);
        pool.endpoints[1].times = 1.0;
        let mended = pool.now;
        pool.run(60 * SECOND);
        let (at, who, turn) = *pool.turns.last().unwrap();
        assert_eq!((who, turn), (1, Turn::Back), "seed {seed}");
        let after = at.since(mended);
        assert!(after <= RULES.max + 2 * SECOND, "seed {seed}: {after:?}");
    }
}

/// Those that are answered elsewhere as soon as they are late.
#[test]
fn with_requests_that_lose_nothing_no_ejection_outlives_its_cause_by_two_seconds() {
    for (seed, choice) in (0..6).flat_map(|s| [(s, Choice::P2c), (s, Choice::RoundRobin)]) {
        let mut pool = Pool::new(choice, seed, 300);
        pool.risk = Risk::None;
        pool.run(20 * SECOND);
        let healthy = pool.p99(10 * SECOND);
        pool.endpoints[1].times = 10.0;
        pool.run(60 * SECOND);
        let gray = pool.p99(50 * SECOND);
        assert!(gray <= healthy.mul_f64(1.5), "seed {seed}: {gray:?}");
        pool.endpoints[1].times = 1.0;
        let mended = pool.now;
        pool.run(60 * SECOND);
        let (at, who, turn) = *pool.turns.last().unwrap();
        assert_eq!((who, turn), (1, Turn::Back), "seed {seed}");
        let after = at.since(mended);
        assert!(after <= RULES.base + SECOND, "seed {seed}: {after:?}");
    }
}

/// One that hung, or was replaced, lost its readiness too.
#[test]
fn an_ejection_ends_soon_after_readiness_came_back() {
    for (seed, choice) in (0..6).flat_map(|s| [(s, Choice::P2c), (s, Choice::RoundRobin)]) {
        let mut pool = Pool::new(choice, seed, 300);
        pool.run(20 * SECOND);
        pool.endpoints[1].times = 10.0;
        pool.run(60 * SECOND);
        pool.endpoints[1].times = 1.0;
        let mended = pool.now;
        pool.returns(1);
        pool.run(60 * SECOND);
        let (at, who, turn) = *pool.turns.last().unwrap();
        assert_eq!((who, turn), (1, Turn::Back), "seed {seed}");
        let after = at.since(mended);
        assert!(after <= RULES.base + 2 * SECOND, "seed {seed}: {after:?}");
    }
}

#[test]
fn readiness_that_flaps_brings_nobody_back_and_costs_a_canary_a_second() {
    for (seed, choice) in (0..4).flat_map(|s| [(s, Choice::P2c), (s, Choice::RoundRobin)]) {
        let mut pool = Pool::new(choice, seed, 300);
        pool.run(20 * SECOND);
        let healthy = pool.p99(10 * SECOND);
        pool.endpoints[1].times = 10.0;
        pool.run(15 * SECOND);
        let before = pool.turns.len();
        for _ in 0..120 {
            pool.run(SECOND / 4);
            pool.returns(1);
        }
        let gray = pool.p99(30 * SECOND);
        assert!(
            gray <= healthy.mul_f64(1.5),
            "seed {seed}: {gray:?} against {healthy:?}"
        );
        let turns = &pool.turns[before..];
        assert!(turns.iter().all(|(_, _, turn)| *turn != Turn::Back));
        assert!(turns.len() <= 31, "seed {seed}: {}", turns.len());
    }
}

#[test]
fn nobody_is_ejected_when_everybody_slows() {
    for (seed, choice) in (0..6).flat_map(|s| [(s, Choice::P2c), (s, Choice::RoundRobin)]) {
        let mut pool = Pool::new(choice, seed, 300);
        pool.run(20 * SECOND);
        for endpoint in &mut pool.endpoints {
            endpoint.times = 20.0;
        }
        pool.run(30 * SECOND);
        assert!(pool.turns.is_empty(), "seed {seed}: {:?}", pool.turns);
    }
}
