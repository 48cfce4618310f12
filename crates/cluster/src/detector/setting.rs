use std::fmt;
use std::time::Duration;

use ninefold_core::time::{nanos, short};

use super::{
    Bertier, Cantelli, Detector, FixedTimeout, Kind, NfdE, PhiAkka, PhiCassandra, PhiChitchat,
    Request, TwoWindow,
};

/// Points of a sweep at most.
pub const SWEEP_MAX: usize = 64;

/// On a path without jitter σ is an interval divided by the root of this: all that ours has seen, and one loss.
const QUIET: f64 = Cantelli::LONG as f64;

/// A detector with its knob at one place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Setting {
    /// The silence that is suspicious.
    FixedTimeout(Duration),
    /// α, the time after the expected arrival.
    NfdE(Duration),
    /// φ, the weight of the errors' spread.
    Bertier(f64),
    /// The time after the later expectation.
    TwoWindow(Duration),
    /// Two knobs that add up.
    PhiAkka {
        /// φ.
        threshold: f64,
        /// `acceptable-heartbeat-pause`.
        pause: Duration,
    },
    /// φ.
    PhiCassandra(f64),
    /// φ.
    PhiChitchat(f64),
    /// What is asked for.
    Ninefold(Request),
}

impl Setting {
    /// As it is shipped; a detector whose knob is a time, which none of its authors has a default for, is given
    /// the detection time that is asked of ours.
    #[must_use]
    pub const fn shipped(kind: Kind, interval: Duration, request: Request) -> Self {
        let margin = request.detection_time.saturating_sub(interval);
        match kind {
            Kind::FixedTimeout => Self::FixedTimeout(request.detection_time),
            Kind::NfdE => Self::NfdE(margin),
            Kind::Bertier => Self::Bertier(Bertier::PHI),
            Kind::TwoWindow => Self::TwoWindow(margin),
            Kind::PhiAkka => Self::PhiAkka {
                threshold: PhiAkka::THRESHOLD,
                pause: PhiAkka::PAUSE,
            },
            Kind::PhiCassandra => Self::PhiCassandra(PhiCassandra::THRESHOLD),
            Kind::PhiChitchat => Self::PhiChitchat(PhiChitchat::THRESHOLD),
            Kind::Ninefold => Self::Ninefold(request),
        }
    }

    /// The knob turned from hasty to patient in equal factors, such that the detection time goes from about one
    /// interval to about a hundred of them. Of Akka's two knobs first the threshold is turned, without a pause,
    /// and then the pause. Ours is asked for detection times, and for the rarity of mistakes that two thirds of
    /// each leave room for on a quiet path: the last third is for when it is not.
    pub fn sweep(kind: Kind, interval: Duration, points: usize) -> impl Iterator<Item = Self> {
        let points = points.clamp(2, SWEEP_MAX);
        let last = u32::try_from(points - 1).unwrap_or(1);
        (0..=last).map(move |point| Self::at(kind, interval, f64::from(point) / f64::from(last)))
    }

    /// At a place of the sweep between 0 and 1.
    fn at(kind: Kind, interval: Duration, place: f64) -> Self {
        let between = |least: f64, most: f64| least * (most / least).powf(place);
        // From a fiftieth of an interval to a hundred.
        let margin = interval.mul_f64(between(0.02, 100.0));
        match kind {
            Kind::FixedTimeout => Self::FixedTimeout(interval + margin),
            Kind::NfdE => Self::NfdE(margin),
            Kind::Bertier => Self::Bertier(between(0.25, 4_096.0)),
            Kind::TwoWindow => Self::TwoWindow(margin),
            Kind::PhiAkka if place < 0.4 => Self::PhiAkka {
                threshold: PhiAkka::THRESHOLD * 0.04f64.powf(1.0 - place / 0.4),
                pause: Duration::ZERO,
            },
            Kind::PhiAkka => Self::PhiAkka {
                threshold: PhiAkka::THRESHOLD,
                pause: interval.mul_f64(100f64.powf((place - 0.4) / 0.6) - 1.0),
            },
            Kind::PhiCassandra => Self::PhiCassandra(between(0.45, 45.0)),
            Kind::PhiChitchat => Self::PhiChitchat(between(1.02, 100.0)),
            Kind::Ninefold => {
                let margin = between(0.02, 100.0);
                Self::Ninefold(Request {
                    detection_time: interval.mul_f64(1.5 * (1.0 + margin)),
                    mistake_recurrence: interval.mul_f64(1.0 + QUIET * margin.powi(2)),
                })
            }
        }
    }

    /// Which detector it is of.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::FixedTimeout(_) => Kind::FixedTimeout,
            Self::NfdE(_) => Kind::NfdE,
            Self::Bertier(_) => Kind::Bertier,
            Self::TwoWindow(_) => Kind::TwoWindow,
            Self::PhiAkka { .. } => Kind::PhiAkka,
            Self::PhiCassandra(_) => Kind::PhiCassandra,
            Self::PhiChitchat(_) => Kind::PhiChitchat,
            Self::Ninefold(_) => Kind::Ninefold,
        }
    }

    /// A detector of it for a sender of a heartbeat every `interval`.
    #[must_use]
    pub fn detector(&self, interval: Duration) -> Detector {
        match *self {
            Self::FixedTimeout(timeout) => Detector::FixedTimeout(FixedTimeout::new(timeout)),
            Self::NfdE(alpha) => Detector::NfdE(NfdE::new(interval, alpha, NfdE::WINDOW)),
            Self::Bertier(phi) => Detector::Bertier(Bertier::new(interval, phi, NfdE::WINDOW)),
            Self::TwoWindow(margin) => {
                let (short, long) = (TwoWindow::SHORT, TwoWindow::LONG);
                Detector::TwoWindow(TwoWindow::new(interval, margin, short, long))
            }
            Self::PhiAkka { threshold, pause } => Detector::PhiAkka(PhiAkka::new(threshold, pause)),
            Self::PhiCassandra(phi) => Detector::PhiCassandra(PhiCassandra::new(phi)),
            Self::PhiChitchat(phi) => Detector::PhiChitchat(PhiChitchat::new(phi)),
            Self::Ninefold(request) => {
                Detector::Ninefold(Box::new(Cantelli::new(interval, request)))
            }
        }
    }
}

/// The knob and where it is, as in `timeout 1.00 s`.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |duration: &Duration| short(nanos(*duration));
        match self {
            Self::FixedTimeout(timeout) => write!(f, "timeout {}", time(timeout)),
            Self::NfdE(alpha) => write!(f, "alpha {}", time(alpha)),
            Self::Bertier(phi) => write!(f, "phi {phi:.2}"),
            Self::TwoWindow(margin) => write!(f, "margin {}", time(margin)),
            Self::PhiAkka { threshold, pause } => {
                write!(f, "threshold {threshold:.2}, pause {}", time(pause))
            }
            Self::PhiCassandra(phi) | Self::PhiChitchat(phi) => write!(f, "threshold {phi:.2}"),
            Self::Ninefold(request) => write!(
                f,
                "T_D {}, T_MR {}",
                time(&request.detection_time),
                time(&request.mistake_recurrence)
            ),
        }
    }
}
