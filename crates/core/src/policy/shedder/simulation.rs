//! A server and its callers, with time made up: what is answered in time at ten times the load.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::queue::{CodelConfig, Queue, WaiterId, Waiting};
use super::super::{
    Bulkhead, BulkheadConfig, Cohort, Criticality, LoadShedder, LoadShedderConfig, Outcome,
    RequestMeta,
};
use super::{PidConfig, Shedding};
use crate::rng::Rng;
use crate::time::Timestamp;
use crate::units::Span;

const PLACES: u32 = 10;
/// Mean of a call; so the server does 1,000 a second.
const SERVICE_US: u64 = 10_000;
const CAPACITY: f64 = 1_000.0;
/// Callers give up after this. The server is not told.
const PATIENCE: Duration = Duration::from_millis(200);
/// Critical calls a second, whatever else comes.
const CRITICAL: u64 = 400;
const WARM_UP: Duration = Duration::from_secs(2);
const LENGTH: Duration = Duration::from_secs(6);

#[derive(Debug)]
enum Event<T> {
    Arrives,
    Ends(T, Criticality, Timestamp),
    Polls,
}

/// Answered in time after the warm-up, and how long critical calls took.
#[derive(Debug, Default)]
struct Report {
    critical: u32,
    sheddable: u32,
    offered_critical: u32,
    critical_took: Vec<Duration>,
}

impl Report {
    fn goodput(&self) -> f64 {
        f64::from(self.critical + self.sheddable) / (LENGTH - WARM_UP).as_secs_f64()
    }

    fn critical_share(&self) -> f64 {
        f64::from(self.critical) / f64::from(self.offered_critical)
    }

    fn critical_p99(&mut self) -> Duration {
        self.critical_took.sort();
        self.critical_took[self.critical_took.len() * 99 / 100]
    }
}

struct Server<'a, P: Waiting> {
    policy: &'a P,
    room: Queue,
    waiters: BTreeMap<WaiterId, (Criticality, Timestamp)>,
    events: BTreeMap<(Timestamp, u64), Event<P::Token>>,
    polls: Option<Timestamp>,
    count: u64,
    rng: Rng,
    report: Report,
}

impl<P: Waiting> Server<'_, P> {
    fn at(&mut self, at: Timestamp, event: Event<P::Token>) {
        self.count += 1;
        self.events.insert((at, self.count), event);
    }

    fn begin(&mut self, token: P::Token, who: (Criticality, Timestamp), now: Timestamp) {
        let took = Duration::from_micros(SERVICE_US / 2 + self.rng.below(SERVICE_US));
        self.at(now + took, Event::Ends(token, who.0, who.1));
    }

    /// What every driver does whenever something happened.
    fn turn(&mut self, now: Timestamp) {
        while let Some((id, token)) = self.policy.next(&mut self.room, now) {
            let who = self.waiters.remove(&id).unwrap();
            self.begin(token, who, now);
        }
        while let Some((id, _)) = self.policy.expire(&mut self.room, now) {
            self.waiters.remove(&id).unwrap();
        }
        if let Some(at) = self.room.poll_at()
            && self.polls.is_none_or(|polls| polls <= now || at < polls)
        {
            assert!(at > now, "a driver would spin");
            self.polls = Some(at);
            self.at(at, Event::Polls);
        }
    }

    fn arrives(&mut self, load: u64, now: Timestamp) {
        let critical = self.rng.below(load) < CRITICAL;
        let criticality = if critical {
            Criticality::Critical
        } else {
            Criticality::Sheddable
        };
        if now.since(Timestamp::ZERO) >= WARM_UP {
            self.report.offered_critical += u32::from(critical);
        }
        let call = RequestMeta {
            criticality,
            cohort: Cohort::of(self.rng.next_u64(), 0),
            ..RequestMeta::default()
        };
        match self.policy.try_place(&call, now) {
            Ok(Some(token)) => self.begin(token, (criticality, now), now),
            Ok(None) => {
                if let Ok(id) = self.policy.enter(&mut self.room, &call, now) {
                    self.waiters.insert(id, (criticality, now));
                }
                self.turn(now);
            }
            Err(_) => {}
        }
    }

    fn ends(&mut self, token: P::Token, who: (Criticality, Timestamp), now: Timestamp) {
        self.policy.settle(token, Outcome::Success, now);
        let took = now.since(who.1);
        if now.since(Timestamp::ZERO) >= WARM_UP && took <= PATIENCE {
            if who.0 == Criticality::Critical {
                self.report.critical += 1;
                self.report.critical_took.push(took);
            } else {
                self.report.sheddable += 1;
            }
        }
        if self.policy.waiting() > 0 {
            self.turn(now);
        }
    }
}

/// Lets `load` calls a second come, at random.
fn run<P: Waiting>(policy: &P, load: u64) -> Report {
    let mut server = Server {
        policy,
        room: policy.room(),
        waiters: BTreeMap::new(),
        events: BTreeMap::new(),
        polls: None,
        count: 0,
        rng: Rng::new(7),
        report: Report::default(),
    };
    server.at(Timestamp::ZERO, Event::Arrives);
    while let Some(((now, _), event)) = server.events.pop_first() {
        if now.since(Timestamp::ZERO) >= LENGTH {
            break;
        }
        match event {
            Event::Arrives => {
                let pause = -(1.0 - server.rng.unit()).ln() / load as f64;
                server.at(now + Duration::from_secs_f64(pause), Event::Arrives);
                server.arrives(load, now);
            }
            Event::Ends(token, criticality, arrived) => {
                server.ends(token, (criticality, arrived), now);
            }
            Event::Polls => server.turn(now),
        }
    }
    server.report
}

fn shedder(shedding: Shedding) -> LoadShedder {
    LoadShedder::new(LoadShedderConfig {
        max_concurrent_calls: PLACES,
        shedding,
        ..LoadShedderConfig::default()
    })
    .unwrap()
}

fn codel() -> Shedding {
    Shedding::Codel(CodelConfig::default())
}

fn pid() -> Shedding {
    Shedding::Pid(PidConfig::default())
}

#[test]
fn a_server_that_refuses_nothing_answers_nobody() {
    let naive = Bulkhead::new(BulkheadConfig {
        max_concurrent_calls: PLACES,
        max_wait: Span::secs(60),
        max_waiting_calls: 65_536,
    })
    .unwrap();
    let report = run(&naive, 2_000);
    assert!(report.goodput() < 0.05 * CAPACITY, "{}", report.goodput());
}

#[test]
fn overload_costs_the_sheddable_and_nobody_else() {
    // The controller steers to a short queue, which now and then is none: a place stands empty.
    for (shedding, least) in [(codel(), 0.95), (pid(), 0.9)] {
        for load in [2_000, 10_000] {
            let mut report = run(&shedder(shedding), load);
            let (goodput, p99) = (report.goodput(), report.critical_p99());
            let told = format!(
                "{shedding:?} at {load}: {goodput} a second, critical {} p99 {p99:?}",
                report.critical_share()
            );
            assert!(goodput >= least * CAPACITY, "{told}");
            assert!(report.critical_share() >= 0.98, "{told}");
            assert!(
                p99 <= Duration::from_micros(2 * SERVICE_US * 3 / 2),
                "{told}"
            );
        }
    }
}

#[test]
fn without_overload_nobody_is_refused() {
    for shedding in [codel(), pid()] {
        let report = run(&shedder(shedding), 700);
        assert!(report.goodput() >= 0.97 * 700.0, "{}", report.goodput());
        assert!(report.critical_share() >= 0.999);
    }
}
