//! Ways to protect a server: ours and the peers'.

use congestion_limiter::limits as congestion;
use ninefold_core::policy::shedder::{PidConfig, Shedding};
use ninefold_core::policy::{
    AdaptiveLimiterConfig, Algorithm, BulkheadConfig, LoadShedderConfig, Vegas,
};
use ninefold_core::units::Span;

use crate::gates::{Congestion, Gate, Limited, Open, Prioritized, Shed, StaticCap, TowerAcc};
use crate::report::How;

/// Calls that the server works on at once.
pub(super) const WORKERS: usize = 10;
/// A limit that nobody has measured.
const GUESSED: usize = 100;

/// A way to protect a server.
#[derive(Clone, Copy)]
pub(super) struct Protection {
    pub(super) name: &'static str,
    pub(super) how: How,
    /// Whether it is one of ours.
    pub(super) ours: bool,
    /// Whether its course is drawn.
    pub(super) drawn: bool,
    /// A fresh one.
    pub(super) gate: fn() -> Box<dyn Gate>,
}

const fn driven(name: &'static str, drawn: bool, gate: fn() -> Box<dyn Gate>) -> Protection {
    Protection {
        name,
        how: How::Driven,
        ours: false,
        drawn,
        gate,
    }
}

const fn ours(name: &'static str, drawn: bool, gate: fn() -> Box<dyn Gate>) -> Protection {
    Protection {
        ours: true,
        ..driven(name, drawn, gate)
    }
}

const fn modelled(name: &'static str, drawn: bool, gate: fn() -> Box<dyn Gate>) -> Protection {
    Protection {
        how: How::Modelled,
        ..driven(name, drawn, gate)
    }
}

/// Nothing at all.
pub(super) const NOTHING: Protection = Protection {
    how: How::Nothing,
    ..driven("nothing", true, || Box::new(Open))
};

/// Ours with controlled delay: the default.
pub(super) const CODEL: Protection = ours("ninefold, shedder (CoDel)", true, || {
    Box::new(Shed::new(shedder()))
});

/// tower's static limit, at what the server can do at once.
pub(super) const CAP: Protection = driven("tower, limit 10 and load shed", true, || {
    Box::new(StaticCap::new(WORKERS))
});

/// tower's static limit, guessed.
pub(super) const GUESSED_CAP: Protection = driven("tower, limit 100 and load shed", true, || {
    Box::new(StaticCap::new(GUESSED))
});

/// congestion-limiter by delay.
pub(super) const CONGESTION_VEGAS: Protection = driven("congestion-limiter, Vegas", true, || {
    Box::new(Congestion::new(congestion::Vegas::new_with_initial_limit(
        20,
    )))
});

/// tower-acc by delay.
pub(super) const ACC_VEGAS: Protection = modelled("tower-acc, Vegas", false, || {
    Box::new(TowerAcc::new(tower_acc::Vegas::default()))
});

/// All of them, ours first.
pub(super) const PROTECTIONS: [Protection; 13] = [
    CODEL,
    ours("ninefold, shedder (PID)", true, || {
        Box::new(Shed::new(LoadShedderConfig {
            shedding: Shedding::Pid(PidConfig::default()),
            ..shedder()
        }))
    }),
    ours("ninefold, shedder and adaptive limiter", false, || {
        Box::new(Shed::adaptive(shedder(), AdaptiveLimiterConfig::default()))
    }),
    ours("ninefold, prioritizer and bulkhead", true, || {
        Box::new(Prioritized::new(BulkheadConfig {
            max_concurrent_calls: WORKERS as u32,
            max_wait: Span::secs(1),
            ..BulkheadConfig::default()
        }))
    }),
    ours("ninefold, adaptive limiter (Gradient2)", true, || {
        Box::new(Limited::new(AdaptiveLimiterConfig::default()))
    }),
    ours("ninefold, adaptive limiter (Vegas)", false, || {
        Box::new(Limited::new(AdaptiveLimiterConfig {
            algorithm: Algorithm::Vegas(Vegas::default()),
            ..AdaptiveLimiterConfig::default()
        }))
    }),
    NOTHING,
    CAP,
    GUESSED_CAP,
    CONGESTION_VEGAS,
    driven("congestion-limiter, AIMD", false, || {
        let aimd = congestion::Aimd::new_with_initial_limit(20);
        Box::new(Congestion::new(aimd))
    }),
    ACC_VEGAS,
    modelled("tower-acc, Gradient2", true, || {
        Box::new(TowerAcc::new(tower_acc::Gradient2::default()))
    }),
];

fn shedder() -> LoadShedderConfig {
    LoadShedderConfig {
        max_concurrent_calls: WORKERS as u32,
        ..LoadShedderConfig::default()
    }
}
