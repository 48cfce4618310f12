//! The breaker: what a call passes.

use std::time::Duration;

use super::clock::Clock;
use super::config::CircuitBreakerConfig;
use super::control::Control;
use super::counts::{Counts, Tally};
use super::evictable::Seen;
use super::hot::Hot;
use super::padded::Padded;
use super::rules::Verdict;
use super::state::{State, Word};
use super::trials::{Place, TrialPlaces, Trials};
use super::window::Window;
use crate::policy::sync::Mutex;
use crate::policy::{
    Admission, Change, InvalidPolicy, Now, Outcome, PolicyKind, Reason, Rejected, RequestMeta,
    Source,
};
use crate::time::Timestamp;

/// How often an admission looks again when others change the state under it, before it refuses.
const LOOKS_MAX: u32 = 64;

/// A token's start where nobody measures.
const NOT_MEASURED: u64 = u64::MAX;

/// Stops calling who fails, and finds out when that is over. See the [module](super).
#[derive(Debug)]
pub struct CircuitBreaker {
    pub(super) hot: Padded<Hot>,
    pub(super) window: Window,
    pub(super) trials: TrialPlaces,
    pub(super) control: Mutex<Control>,
    pub(super) source: Source,
    pub(super) seed: u64,
    pub(super) seen: Seen,
}

/// What a [`CircuitBreaker`] remembers of a call that it admitted.
#[derive(Debug)]
pub struct Token {
    word: Word,
    started_ns: u64,
}

/// What one look at the state came to.
enum Step {
    Admitted(Token),
    Refused(Rejected),
    Again,
}

const fn refuse(reason: Reason) -> Rejected {
    Rejected::new(PolicyKind::CircuitBreaker, reason)
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self::build(CircuitBreakerConfig::default())
    }
}

impl CircuitBreaker {
    /// A closed breaker.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if the configuration makes no sense.
    pub fn new(config: CircuitBreakerConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        Ok(Self::build(config))
    }

    fn build(config: CircuitBreakerConfig) -> Self {
        Self {
            hot: Padded(Hot::new(&config)),
            window: Window::new(Word::FIRST.generation(), config.sliding_window),
            trials: TrialPlaces::new(),
            control: Mutex::new(Control::new(config)),
            source: Source::default(),
            seed: 0,
            seen: Seen::default(),
        }
    }

    /// The same, telling `source` what happens.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// The same, with its own choice of jitter. Without, it follows from the time alone, to the
    /// nanosecond.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The state. An open breaker whose wait is over is open until the next call asks.
    #[must_use]
    pub fn state(&self) -> State {
        self.hot.word().state()
    }

    /// What the window holds: the calls since it closed last. Nothing in the states that count
    /// nothing.
    #[must_use]
    pub fn counts(&self, now: impl Now) -> Counts {
        let word = self.hot.word();
        self.window
            .counts(word.generation(), self.hot.window_calls(), now.now())
    }

    /// The trial calls, while it is half open.
    #[must_use]
    pub fn trials(&self) -> Option<Trials> {
        let word = self.hot.word();
        if word.state() == State::HalfOpen {
            self.trials.of(word.generation())
        } else {
            None
        }
    }

    /// While it is open, how long until it tries again; while it is half open, until it must
    /// decide.
    #[must_use]
    pub fn time_left(&self, now: impl Now) -> Option<Duration> {
        match self.state() {
            State::Open => Some(self.hot.open_left(now.now())),
            State::HalfOpen => Some(self.hot.half_open_left(now.now())),
            State::Closed | State::ForcedOpen | State::Disabled | State::MetricsOnly => None,
        }
    }

    #[inline]
    fn token(&self, word: Word, clock: &mut Clock<impl Now>) -> Token {
        let started_ns = if self.hot.slow_ns() == NOT_MEASURED {
            NOT_MEASURED
        } else {
            clock.now().as_nanos()
        };
        Token { word, started_ns }
    }

    /// The way of a call that does not find it closed.
    #[cold]
    fn knock(&self, mut clock: Clock<impl Now>) -> Result<Token, Rejected> {
        let mut refused = refuse(Reason::CallNotPermitted);
        for _ in 0..LOOKS_MAX {
            let word = self.hot.word();
            let step = match word.state() {
                State::Open => self.knock_open(word, &mut clock),
                State::HalfOpen => self.knock_half_open(word, &mut clock),
                State::ForcedOpen => Step::Refused(refuse(Reason::ForcedOpen)),
                State::Closed | State::Disabled | State::MetricsOnly => {
                    Step::Admitted(self.token(word, &mut clock))
                }
            };
            match step {
                Step::Admitted(token) => return Ok(token),
                Step::Refused(rejected) => {
                    refused = rejected;
                    break;
                }
                Step::Again => {}
            }
        }
        self.source
            .emit(PolicyKind::CircuitBreaker, || Change::Rejected(refused));
        Err(refused)
    }

    fn knock_open(&self, word: Word, clock: &mut Clock<impl Now>) -> Step {
        let now = clock.now();
        let left = self.hot.open_left(now);
        if !left.is_zero() {
            return Step::Refused(refuse(Reason::CallNotPermitted).after(left));
        }
        self.half_open(word, now)
            .map_or(Step::Again, |word| Step::Admitted(self.token(word, clock)))
    }

    fn knock_half_open(&self, word: Word, clock: &mut Clock<impl Now>) -> Step {
        let now = clock.now();
        let rules = self.hot.rules();
        let mut left = self.hot.half_open_left(now);
        if left.is_zero() {
            let Some(trials) = self.trials.of(word.generation()) else {
                return Step::Again;
            };
            if let Some(verdict) = rules.late_verdict(trials) {
                self.decide(word, verdict, now);
                return Step::Again;
            }
            // Every trial was given up, so nobody knows: it may stay half open for as long again.
            left = self.hot.restart_half_open(now);
        }
        match self.trials.take(word.generation(), rules.permitted_calls) {
            Place::Taken => Step::Admitted(self.token(word, clock)),
            Place::Stale => Step::Again,
            Place::Full(trials) => match rules.verdict(trials) {
                // The number of permitted calls was lowered meanwhile.
                Some(verdict) => {
                    self.decide(word, verdict, now);
                    Step::Again
                }
                None => Step::Refused(refuse(Reason::HalfOpenFull).after(left)),
            },
        }
    }

    /// Counts a result of a closed breaker, and opens it if that is the last straw.
    #[inline]
    fn record(&self, word: Word, tally: Tally, clock: &mut Clock<impl Now>) {
        let calls = self.hot.window_calls();
        if calls == 0 {
            self.record_timed(word, tally, clock.now());
        } else if let Some(counts) = self.window.count.record(word.generation(), calls, tally)
            && self.hot.rules().trips(counts)
        {
            self.trip(word, clock.now());
        }
    }

    fn record_timed(&self, word: Word, tally: Tally, now: Timestamp) {
        let Some(window) = self.window.time() else {
            return;
        };
        let spot = window.spot(word.generation(), now);
        if let Some(counts) = window.record(spot, tally) {
            let rules = self.hot.rules();
            if rules.trips(counts) {
                self.trip(word, now);
            } else if counts.calls >= rules.minimum_calls {
                window.calm_down(spot);
            }
        }
    }

    /// Counts the result of a trial, and decides if it is the last one that was missing.
    #[cold]
    fn settle_trial(&self, word: Word, tally: Tally, clock: &mut Clock<impl Now>) {
        if let Some(trials) = self.trials.settle(word.generation(), tally)
            && let Some(verdict) = self.hot.rules().verdict(trials)
        {
            self.decide(word, verdict, clock.now());
        }
    }

    fn decide(&self, word: Word, verdict: Verdict, now: Timestamp) {
        match verdict {
            Verdict::Close => self.close(word),
            Verdict::Reopen => self.reopen(word, now),
        }
    }
}

impl Admission for CircuitBreaker {
    type Token = Token;

    const KIND: PolicyKind = PolicyKind::CircuitBreaker;

    #[inline]
    fn try_acquire(&self, _: &RequestMeta, now: impl Now) -> Result<Token, Rejected> {
        let mut clock = Clock::new(now);
        let word = self.hot.word();
        if word.is_closed() {
            return Ok(self.token(word, &mut clock));
        }
        self.knock(clock)
    }

    #[inline]
    fn settle(&self, token: Token, outcome: Outcome, now: impl Now) {
        if !self.changes_nothing(&token, outcome) {
            self.settle_with_care(token, outcome, now);
        }
    }

    #[inline]
    fn cancel(&self, token: Token) {
        self.give_back(token.word);
        self.source
            .emit(PolicyKind::CircuitBreaker, || Change::Cancelled);
    }
}

impl CircuitBreaker {
    /// The common case, small enough to be part of the caller: another good call of a closed
    /// breaker that is full of them, which nobody times and nobody hears of.
    #[inline]
    fn changes_nothing(&self, token: &Token, outcome: Outcome) -> bool {
        let calls = self.hot.window_calls();
        outcome == Outcome::Success
            && token.started_ns == NOT_MEASURED
            && token.word.is_closed()
            && self.hot.word() == token.word
            && calls > 0
            && self
                .window
                .count
                .is_all_good(token.word.generation(), calls)
            && !self.source.is_heard()
    }

    #[inline(never)]
    fn settle_with_care(&self, token: Token, outcome: Outcome, now: impl Now) {
        let mut clock = Clock::new(now);
        let slow_ns = self.hot.slow_ns();
        let mut took = None;
        if token.started_ns != NOT_MEASURED && slow_ns != NOT_MEASURED {
            took = Some(clock.now().since(Timestamp::from_nanos(token.started_ns)));
        }
        let late = took.is_some_and(|took| took >= Duration::from_nanos(slow_ns));
        match Tally::of(outcome, late) {
            None => self.give_back(token.word),
            // What began in an older generation says nothing about this one.
            Some(_) if self.hot.word() != token.word => {}
            Some(tally) => match token.word.state() {
                State::Closed | State::MetricsOnly => {
                    self.record(token.word, tally, &mut clock);
                }
                State::HalfOpen => self.settle_trial(token.word, tally, &mut clock),
                State::Open | State::ForcedOpen | State::Disabled => {}
            },
        }
        self.source.emit(PolicyKind::CircuitBreaker, || {
            let outcome = if late && outcome == Outcome::Success {
                Outcome::Slow
            } else {
                outcome
            };
            Change::Settled(outcome, took)
        });
    }

    /// A call that says nothing: if it was a trial, another may take its place.
    #[inline]
    fn give_back(&self, word: Word) {
        if word.state() == State::HalfOpen {
            self.trials.give_back(word.generation());
        }
    }
}
