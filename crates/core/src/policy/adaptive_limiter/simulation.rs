//! A service with a queue and its clients, on virtual time: the loop that the limiter closes.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use super::{AdaptiveLimiter, LimiterToken};
use crate::policy::{Admission, Outcome, RequestMeta};
use crate::rng::Rng;
use crate::time::{Timestamp, nanos};

/// What the world is like in a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    /// Calls that the service works on at once; the others queue up in it.
    pub(super) capacity: usize,
    /// How long it works on a call, in the mean.
    pub(super) service: Duration,
    /// Calls a second, as a Poisson process.
    pub(super) rate: f64,
    /// How much the work on a call varies: between none and twice the mean at 1.
    pub(super) noise: f64,
}

impl Weather {
    /// Calls a second that the service can work on.
    pub(super) fn throughput(&self) -> f64 {
        self.capacity as f64 / self.service.as_secs_f64()
    }

    /// The same with `load` times as many calls as it can work on.
    pub(super) fn at_load(self, load: f64) -> Self {
        Self {
            rate: load * self.throughput(),
            ..self
        }
    }
}

/// What was seen in a second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Second {
    pub(super) limit: u32,
    pub(super) answered: u32,
    pub(super) refused: u32,
    /// The longest latency.
    pub(super) slowest: Duration,
}

#[derive(Debug)]
pub(super) struct World<'a> {
    limiter: &'a AdaptiveLimiter,
    rng: Rng,
    now: u64,
    /// When the next call arrives.
    arrival: u64,
    /// When which call will have been served.
    served: BinaryHeap<Reverse<(u64, usize)>>,
    calls: Vec<Option<(LimiterToken, u64)>>,
    free: Vec<usize>,
    queue: VecDeque<usize>,
    busy: usize,
    second: Second,
}

impl<'a> World<'a> {
    pub(super) fn new(limiter: &'a AdaptiveLimiter, seed: u64) -> Self {
        Self {
            limiter,
            rng: Rng::new(seed),
            now: 1_000_000_000,
            arrival: 1_000_000_000,
            served: BinaryHeap::new(),
            calls: Vec::new(),
            free: Vec::new(),
            queue: VecDeque::new(),
            busy: 0,
            second: Second::default(),
        }
    }

    /// Lets so many seconds pass and says what was seen in each.
    pub(super) fn run(&mut self, seconds: u64, weather: Weather) -> Vec<Second> {
        (0..seconds)
            .map(|_| {
                let end = self.now + 1_000_000_000;
                while self.step(end, weather) {}
                self.now = end;
                self.second.limit = self.limiter.limit();
                std::mem::take(&mut self.second)
            })
            .collect()
    }

    /// What happens next, if that is before `end`.
    fn step(&mut self, end: u64, weather: Weather) -> bool {
        match self.served.peek() {
            Some(Reverse((at, _))) if *at < self.arrival.min(end) => {
                if let Some(Reverse((at, id))) = self.served.pop() {
                    self.now = at;
                    self.leaves(id);
                }
            }
            _ if self.arrival < end => {
                self.now = self.arrival;
                self.arrives(weather.rate);
            }
            _ => return false,
        }
        self.work(weather);
        true
    }

    fn arrives(&mut self, rate: f64) {
        let gap_s = -(1.0 - self.rng.unit()).ln() / rate;
        self.arrival = self.now + nanos(Duration::from_secs_f64(gap_s)).max(1);
        let now = Timestamp::from_nanos(self.now);
        let Ok(token) = self.limiter.try_acquire(&RequestMeta::default(), now) else {
            self.second.refused += 1;
            return;
        };
        let id = self.free.pop().unwrap_or(self.calls.len());
        if id == self.calls.len() {
            self.calls.push(None);
        }
        self.calls[id] = Some((token, self.now));
        self.queue.push_back(id);
    }

    fn leaves(&mut self, id: usize) {
        let (token, began) = self.calls[id].take().unwrap();
        self.free.push(id);
        self.busy -= 1;
        let latency = Duration::from_nanos(self.now - began);
        self.second.slowest = self.second.slowest.max(latency);
        self.second.answered += 1;
        let now = Timestamp::from_nanos(self.now);
        self.limiter.settle(token, Outcome::Success, now);
    }

    /// Takes from the queue what there is room for.
    fn work(&mut self, weather: Weather) {
        while self.busy < weather.capacity
            && let Some(id) = self.queue.pop_front()
        {
            self.busy += 1;
            let vary = 1.0 + weather.noise * (2.0 * self.rng.unit() - 1.0);
            let took = nanos(weather.service.mul_f64(vary)).max(1);
            self.served.push(Reverse((self.now + took, id)));
        }
    }
}

/// The mean of a figure over seconds.
pub(super) fn mean(seconds: &[Second], figure: impl Fn(&Second) -> f64) -> f64 {
    seconds.iter().map(figure).sum::<f64>() / seconds.len() as f64
}
