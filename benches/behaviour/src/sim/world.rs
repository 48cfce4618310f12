//! The loop.

use std::collections::VecDeque;
use std::time::Duration;

use ninefold_core::policy::{Cohort, Criticality, RequestMeta};
use ninefold_core::rng::Rng;
use ninefold_core::time::Timestamp;

use super::weather::exponential;
use super::{Calendar, Tally, Weather};
use crate::clients::{Client, End};
use crate::gates::{Gate, Verdict};

/// How many calls wait in front of the workers at most; beyond, memory would be what breaks.
const QUEUE_LIMIT: usize = 2_000_000;

/// Requests of so many time limits and a second before the end are not counted: three attempts and
/// their waits would be cut off.
const CUT_OFF: u32 = 4;

#[derive(Debug)]
enum Event {
    /// A new request comes.
    Comes,
    /// A request is sent again.
    Again(Request),
    /// A caller gives up on an attempt.
    GivesUp(usize),
    /// The work on an attempt is done.
    Served(usize),
    /// The gate asked to be polled.
    Polls,
}

/// What a caller wants.
#[derive(Clone, Copy, Debug)]
struct Request {
    call: RequestMeta,
    began: Timestamp,
}

/// One sending of it.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    request: Request,
    arrived: Timestamp,
    /// The caller still waits.
    waits: bool,
    /// The caller's timer and the service, as far as they still know of it.
    known_to: u8,
}

/// A service and its callers.
pub(crate) struct World<'a> {
    weather: Weather,
    gate: &'a mut dyn Gate,
    client: &'a mut dyn Client,
    rng: Rng,
    events: Calendar<Event>,
    attempts: Vec<Attempt>,
    free: Vec<usize>,
    queue: VecDeque<usize>,
    busy: usize,
    polls: Option<Timestamp>,
    verdicts: Vec<Verdict>,
    tally: Tally,
}

impl<'a> World<'a> {
    /// Runs from beginning to end.
    pub(crate) fn run(
        weather: Weather,
        gate: &'a mut dyn Gate,
        client: &'a mut dyn Client,
    ) -> Tally {
        let seconds = weather.length.as_secs() as usize;
        let mut world = Self {
            rng: Rng::new(weather.seed),
            gate,
            client,
            events: Calendar::default(),
            attempts: Vec::new(),
            free: Vec::new(),
            queue: VecDeque::new(),
            busy: 0,
            polls: None,
            verdicts: Vec::new(),
            tally: Tally {
                good: vec![0; seconds],
                offered: vec![0; seconds],
                attempts: vec![0; seconds],
                in_vain: vec![0; seconds],
                ..Tally::default()
            },
            weather,
        };
        world.events.note(Timestamp::ZERO, Event::Comes);
        let end = Timestamp::ZERO + world.weather.length;
        while let Some((now, event)) = world.events.next()
            && now < end
        {
            world.happens(event, now);
            world.settle(now);
        }
        world.tally
    }

    fn happens(&mut self, event: Event, now: Timestamp) {
        match event {
            Event::Comes => self.comes(now),
            Event::Again(request) => self.sends(request, now),
            Event::GivesUp(id) => {
                if self.attempts[id].waits {
                    self.attempts[id].waits = false;
                    self.ends_for_caller(id, End::TimedOut, now);
                }
                self.forget(id);
            }
            Event::Served(id) => {
                self.busy -= 1;
                let took = now.since(self.attempts[id].arrived);
                let late = took > self.weather.patience;
                self.gate.ends(id, late, now, &mut self.verdicts);
                if self.attempts[id].waits {
                    self.attempts[id].waits = false;
                    self.ends_for_caller(id, End::Answered, now);
                } else {
                    count(&mut self.tally.in_vain, now);
                }
                self.forget(id);
            }
            Event::Polls => {
                self.polls = None;
                self.gate.polls(now, &mut self.verdicts);
            }
        }
    }

    /// A new request, and when the next one comes.
    fn comes(&mut self, now: Timestamp) {
        let pause = Duration::from_secs_f64(1.0 / self.weather.rate());
        let next = now + exponential(pause, &mut self.rng);
        self.events.note(next, Event::Comes);
        let criticality = Criticality::ALL[self.weather.rank(&mut self.rng)];
        count(&mut self.tally.offered, now);
        if self.counts(now) {
            self.tally.levels[usize::from(criticality.rank())].offered += 1;
        }
        let call = RequestMeta {
            criticality,
            cohort: Cohort::of(self.rng.next_u64(), 0),
            ..RequestMeta::default()
        };
        self.sends(Request { call, began: now }, now);
    }

    fn sends(&mut self, mut request: Request, now: Timestamp) {
        request.call.deadline = Some(now + self.weather.patience);
        let attempt = Attempt {
            request,
            arrived: now,
            waits: true,
            known_to: 2,
        };
        let id = self.free.pop().unwrap_or(self.attempts.len());
        if id == self.attempts.len() {
            self.attempts.push(attempt);
        } else {
            self.attempts[id] = attempt;
        }
        if !self.client.sends(id, &request.call, now) {
            self.attempts[id].known_to = 1;
            self.attempts[id].waits = false;
            self.ends_for_caller(id, End::HeldBack, now);
            self.forget(id);
            return;
        }
        count(&mut self.tally.attempts, now);
        let attempts = u64::from(request.call.attempt) + 1;
        self.tally.most_attempts = self.tally.most_attempts.max(attempts);
        self.events
            .note(now + self.weather.patience, Event::GivesUp(id));
        self.gate
            .arrives(id, &request.call, now, &mut self.verdicts);
    }

    /// Does what the gate said, and keeps the workers busy.
    fn settle(&mut self, now: Timestamp) {
        let mut verdicts = std::mem::take(&mut self.verdicts);
        for verdict in verdicts.drain(..) {
            match verdict {
                Verdict::Starts(id) if self.queue.len() < QUEUE_LIMIT => self.queue.push_back(id),
                Verdict::Starts(id) | Verdict::Refused(id) => {
                    if self.attempts[id].waits {
                        self.attempts[id].waits = false;
                        self.ends_for_caller(id, End::Refused, now);
                    }
                    self.forget(id);
                }
            }
        }
        self.verdicts = verdicts;
        while self.busy < self.weather.service.workers
            && let Some(id) = self.queue.pop_front()
        {
            self.busy += 1;
            self.gate.begins(now.since(self.attempts[id].arrived), now);
            let work = self.weather.work(now, &mut self.rng);
            self.events.note(now + work, Event::Served(id));
        }
        if let Some(at) = self.gate.poll_at()
            && self.polls.is_none_or(|polls| at < polls)
        {
            let at = at.max(now + Duration::from_nanos(1));
            self.polls = Some(at);
            self.events.note(at, Event::Polls);
        }
    }

    /// The caller knows how an attempt ended, and asks again or not.
    fn ends_for_caller(&mut self, id: usize, end: End, now: Timestamp) {
        let mut request = self.attempts[id].request;
        self.client.ended(id, end, now);
        if end == End::Answered {
            count(&mut self.tally.good, now);
            if self.counts(request.began) {
                let level = &mut self.tally.levels[usize::from(request.call.criticality.rank())];
                level.answered += 1;
                let took = now.as_nanos() - request.began.as_nanos();
                level.took.push(took);
            }
            return;
        }
        if let Some(wait) = self.client.again(&request.call, end, now) {
            request.call.attempt += 1;
            self.events.note(now + wait, Event::Again(request));
        } else if self.counts(request.began) {
            let level = &mut self.tally.levels[usize::from(request.call.criticality.rank())];
            match end {
                End::TimedOut => level.timed_out += 1,
                _ => level.refused += 1,
            }
        }
    }

    /// Whether a request's fate is counted: not if it began so late that the end cuts it off.
    fn counts(&self, began: Timestamp) -> bool {
        let began = began.since(Timestamp::ZERO);
        let cut_off = self.weather.patience * CUT_OFF + Duration::from_secs(1);
        began >= self.weather.warm_up && began + cut_off < self.weather.length
    }

    /// One of those who know of an attempt is through with it.
    fn forget(&mut self, id: usize) {
        self.attempts[id].known_to -= 1;
        if self.attempts[id].known_to == 0 {
            self.free.push(id);
        }
    }
}

fn count(seconds: &mut [u32], now: Timestamp) {
    if let Some(second) = seconds.get_mut(now.as_secs() as usize) {
        *second += 1;
    }
}
