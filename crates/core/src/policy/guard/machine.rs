//! What a window says, and what follows from it. Without atomics, so that it can be read.

use super::GuardConfig;

/// More than half of what ended, too late, is a loop.
const IN_VAIN: f64 = 0.5;

/// A load up to this many times the most that was served well is no trigger.
const SERVED_BEFORE: f64 = 1.1;

/// What was served well once is forgotten at this rate a window: to a half in two hours of seconds.
const FORGET: f64 = 0.9999;

/// A loop under a load never served before counts after this many times `trip_after`.
const TRIGGER_LASTS: u32 = 10;

/// How a service and its callers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GuardState {
    /// Well.
    #[default]
    Stable,
    /// Not well, or amplified; whatever set it off may still be there.
    Vulnerable,
    /// Kept unwell by its own repetitions.
    Metastable,
}

impl GuardState {
    /// The name, as in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Vulnerable => "vulnerable",
            Self::Metastable => "metastable",
        }
    }
}

/// What was counted in a window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    /// First attempts.
    pub(super) requests: u32,
    /// Attempts beyond the first.
    pub(super) repeats: u32,
    pub(super) good: u32,
    pub(super) slow: u32,
    pub(super) failed: u32,
    pub(super) cancelled: u32,
}

/// What it says.
#[derive(Clone, Copy, Debug)]
struct Signs {
    low: bool,
    healthy: bool,
    amplified: bool,
    is_loop: bool,
}

impl Window {
    const fn ended(&self) -> u32 {
        self.good
            .saturating_add(self.slow)
            .saturating_add(self.failed)
    }

    /// Nothing, if too little ended for what is not shed.
    fn signs(&self, config: &GuardConfig, shed: f64) -> Option<Signs> {
        let requests = f64::from(self.requests.max(1));
        let amplification = (requests + f64::from(self.repeats)) / requests;
        let amplified = amplification >= config.amplification_max;
        let mut ended = f64::from(self.ended());
        if amplified {
            ended += f64::from(self.cancelled);
        }
        if ended < (f64::from(config.min_requests) * (1.0 - shed)).max(1.0) {
            return None;
        }
        let goodput = f64::from(self.good) / ended;
        Some(Signs {
            low: goodput < config.goodput_low.as_f64(),
            healthy: goodput >= config.goodput_healthy.as_f64(),
            amplified,
            is_loop: amplified || f64::from(self.slow) > ended * IN_VAIN,
        })
    }
}

/// The state and how it came about.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Machine {
    pub(super) state: GuardState,
    /// The share of first attempts to shed.
    pub(super) shed: f64,
    /// Windows in a row of a loop under a load served before, of any loop, of health.
    looped: u32,
    looped_anyhow: u32,
    healthy: u32,
    /// Windows of low goodput since nothing is repeated any more.
    unhelped: u32,
    /// The most first attempts in a window that went well.
    served: f64,
}

impl Machine {
    /// A window has ended.
    pub(super) fn turn(&mut self, window: &Window, config: &GuardConfig) {
        if window.requests < config.min_requests && window.ended() < config.min_requests {
            self.turn_quiet(config);
            return;
        }
        let Some(signs) = window.signs(config, self.shed) else {
            // All hangs. Its time limits will tell.
            self.healthy = 0;
            return;
        };
        self.healthy = if signs.healthy { self.healthy + 1 } else { 0 };
        match self.state {
            GuardState::Metastable => self.turn_metastable(signs, config),
            GuardState::Stable | GuardState::Vulnerable => {
                self.remember(signs, window.requests);
                self.turn_watching(signs, window.requests, config);
            }
        }
    }

    /// Nothing to speak of comes, so no loop can stand.
    fn turn_quiet(&mut self, config: &GuardConfig) {
        self.shed = (self.shed - config.shed_step.as_f64()).max(0.0);
        self.looped = 0;
        self.healthy += 1;
        self.relax(config);
    }

    fn remember(&mut self, signs: Signs, requests: u32) {
        self.served *= FORGET;
        if signs.healthy && !signs.amplified {
            self.served = self.served.max(f64::from(requests));
        }
    }

    fn turn_watching(&mut self, signs: Signs, requests: u32, config: &GuardConfig) {
        let loops = signs.low && signs.is_loop;
        let served_before = self.served < 1.0 || f64::from(requests) <= self.served * SERVED_BEFORE;
        self.looped = if loops && served_before {
            self.looped + 1
        } else {
            0
        };
        self.looped_anyhow = if loops { self.looped_anyhow + 1 } else { 0 };
        let lasts = config.trip_after.saturating_mul(TRIGGER_LASTS);
        if self.looped >= config.trip_after || self.looped_anyhow >= lasts {
            *self = Self {
                state: GuardState::Metastable,
                served: self.served,
                ..Self::default()
            };
        } else if signs.low || signs.amplified {
            self.state = GuardState::Vulnerable;
            self.healthy = 0;
        } else {
            self.relax(config);
        }
    }

    fn turn_metastable(&mut self, signs: Signs, config: &GuardConfig) {
        let step = config.shed_step.as_f64();
        if signs.low {
            // The first such window is that in which repeating was stopped.
            self.unhelped += 1;
            if self.unhelped > 1 {
                self.shed = (self.shed + step).min(config.max_shed.as_f64());
            }
        } else if signs.healthy {
            self.unhelped = 0;
            if self.shed > 0.0 {
                // Health under shedding is not yet health.
                self.healthy = 0;
                self.shed = (self.shed - step).max(0.0);
            }
            self.relax(config);
        }
    }

    fn relax(&mut self, config: &GuardConfig) {
        if self.healthy >= config.recover_after && self.shed <= 0.0 {
            *self = Self {
                served: self.served,
                ..Self::default()
            };
        }
    }
}
