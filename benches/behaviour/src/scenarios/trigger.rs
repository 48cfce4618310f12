//! A server that slows down for ten seconds, and what becomes of it then.

use std::time::Duration;

use ninefold_core::time::Timestamp;

use super::overload::SERVICE;
use super::protected::{ACC_VEGAS, CAP, CODEL, CONGESTION_VEGAS, GUESSED_CAP, NOTHING, Protection};
use crate::clients::{Broken, Client, Guarded, Never, Ours, Throttled, TowerBudget, WithoutBudget};
use crate::report::How;
use crate::sim::{Tally, Trigger, Weather, World};

/// Requests a second by rank of criticality: 700, of a capacity of 1,000.
pub(super) const RATES: [f64; 4] = [280.0, 140.0, 210.0, 70.0];
/// In seconds.
pub(super) const FROM: u64 = 20;
pub(super) const TO: u64 = 30;
/// A quarter of the capacity is left.
pub(super) const SLOWDOWN: f64 = 4.0;
/// Seconds in a row that must be well.
const WELL_FOR: usize = 5;
/// Well: this share of what came is answered, on average over these seconds.
const WELL: f64 = 0.95;

/// Whose retries, in front of which server.
#[derive(Clone, Copy)]
pub(super) struct Setup {
    pub(super) name: &'static str,
    pub(super) how: How,
    pub(super) ours: bool,
    pub(super) server: Protection,
    pub(super) client: fn(u64) -> Box<dyn Client>,
}

fn naive(seed: u64) -> WithoutBudget {
    WithoutBudget::new(3, seed)
}

const fn setup(
    name: &'static str,
    how: How,
    server: Protection,
    client: fn(u64) -> Box<dyn Client>,
) -> Setup {
    Setup {
        name,
        how,
        ours: matches!(how, How::Driven) && matches!(name.as_bytes(), [b'n', b'i', ..]),
        server,
        client,
    }
}

/// Three attempts and nothing else: the loop.
pub(super) const LOOP: Setup = setup(
    "three attempts, bare server",
    How::Nothing,
    NOTHING,
    |seed| Box::new(naive(seed)),
);

/// The guard around the same callers.
pub(super) const GUARD: Setup = setup(
    "ninefold, guard around three attempts",
    How::Driven,
    NOTHING,
    |seed| Box::new(Guarded::new(naive(seed))),
);

/// Our retries as they are.
pub(super) const BUDGET: Setup = setup(
    "ninefold, retry with budget",
    How::Driven,
    NOTHING,
    |seed| Box::new(Ours::new(seed)),
);

/// Our shedder in front of the server, and callers without a bound.
pub(super) const SHEDDER: Setup = setup(
    "ninefold, shedder; three attempts",
    How::Driven,
    CODEL,
    |seed| Box::new(naive(seed)),
);

/// All of them, ours first.
pub(super) const SETUPS: [Setup; 14] = [
    setup(
        "ninefold, shedder; retry with budget",
        How::Driven,
        CODEL,
        |seed| Box::new(Ours::new(seed)),
    ),
    SHEDDER,
    setup(
        "ninefold, guard around retry with budget",
        How::Driven,
        NOTHING,
        |seed| Box::new(Guarded::new(Ours::new(seed))),
    ),
    BUDGET,
    GUARD,
    setup(
        "ninefold, breaker in three attempts",
        How::Driven,
        NOTHING,
        |seed| Box::new(Broken::new(naive(seed), seed)),
    ),
    setup(
        "ninefold, throttler in three attempts",
        How::Driven,
        NOTHING,
        |seed| Box::new(Throttled::new(naive(seed), seed)),
    ),
    LOOP,
    setup("one attempt, bare server", How::Nothing, NOTHING, |_| {
        Box::new(Never)
    }),
    setup("tower, TpsBudget", How::Driven, NOTHING, |seed| {
        Box::new(TowerBudget::new(seed))
    }),
    setup(
        "tower, limit 10; three attempts",
        How::Driven,
        CAP,
        |seed| Box::new(naive(seed)),
    ),
    setup(
        "tower, limit 100; three attempts",
        How::Driven,
        GUESSED_CAP,
        |seed| Box::new(naive(seed)),
    ),
    setup(
        "congestion-limiter, Vegas; three attempts",
        How::Driven,
        CONGESTION_VEGAS,
        |seed| Box::new(naive(seed)),
    ),
    setup(
        "tower-acc, Vegas; three attempts",
        How::Modelled,
        ACC_VEGAS,
        |seed| Box::new(naive(seed)),
    ),
];

/// What happens in so many seconds.
pub(super) fn simulate(setup: &Setup, seconds: u64, seed: u64) -> Tally {
    let weather = Weather {
        service: SERVICE,
        rates: RATES,
        patience: Duration::from_millis(200),
        trigger: Some(Trigger {
            from: Timestamp::from_secs(FROM),
            to: Timestamp::from_secs(TO),
            slowdown: SLOWDOWN,
        }),
        warm_up: Duration::ZERO,
        length: Duration::from_secs(seconds),
        seed,
    };
    let mut gate = (setup.server.gate)();
    World::run(weather, &mut *gate, &mut *(setup.client)(seed))
}

/// From the end of the trigger to the first of [`WELL_FOR`] seconds that are well; `None` if there
/// is none.
pub(super) fn recovers_after(tally: &Tally) -> Option<Duration> {
    let well = |second: usize| {
        let sum = |counts: &[u32]| -> f64 {
            let seconds = &counts[second..second + WELL_FOR];
            seconds.iter().copied().map(f64::from).sum()
        };
        let first = f64::from(tally.good[second]) / f64::from(tally.offered[second].max(1));
        first >= 0.9 && sum(&tally.good) >= WELL * sum(&tally.offered)
    };
    let end = TO as usize;
    (end..tally.good.len() - WELL_FOR)
        .find(|second| well(*second))
        .map(|second| Duration::from_secs((second - end) as u64))
}
