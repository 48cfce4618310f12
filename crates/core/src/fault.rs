//! Faults that a gateway injects itself into the attempts at endpoints: what, and into which.
//!
//! The names are those of Toxiproxy (`latency`, `jitter`, `reset_peer`) and of Envoy's fault filter
//! (`abort`).

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest delay, its jitter included.
pub const LATENCY_MAX: Duration = Duration::from_secs(60);

/// A fault in the gateway. Its targets are the instances of the notice that announces it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayFault {
    /// How many of 100 attempts are hit. Default: all.
    #[serde(default = "all")]
    pub share_percent: u32,
    /// Which requests are hit. Default: all.
    #[serde(default)]
    pub header: Option<HeaderIs>,
    /// What becomes of an attempt that is hit.
    pub effect: FaultEffect,
}

/// Requests that a fault in the gateway hit, and how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FaultHits {
    /// All of them.
    pub requests: u64,
    /// Of these: answered below 500, by another attempt too.
    pub ok: u64,
    /// Of these: failed for the client.
    pub failed: u64,
    /// Of these: ended by the client, or refused.
    pub other: u64,
}

impl fmt::Display for FaultHits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.requests == 1 { "" } else { "s" };
        write!(f, "{} request{plural}", self.requests)?;
        let ended = self.ok.saturating_add(self.failed);
        let ended = ended.saturating_add(self.other);
        let parts = [
            (self.ok, "answered"),
            (self.failed, "failed"),
            (self.other, "given up or refused"),
            (self.requests.saturating_sub(ended), "under way still"),
        ];
        let mut before = ": ";
        for (count, what) in parts.iter().filter(|(count, _)| *count > 0) {
            write!(f, "{before}{count} {what}")?;
            before = ", ";
        }
        Ok(())
    }
}

/// A header that a request must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderIs {
    /// Its name.
    pub name: String,
    /// Its value. Default: any.
    #[serde(default)]
    pub value: Option<String>,
}

/// What becomes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultEffect {
    /// It begins later.
    Latency {
        /// By so many milliseconds.
        latency_ms: u64,
        /// And up to so many more or less.
        #[serde(default)]
        jitter_ms: u64,
    },
    /// It is answered with this status, and the endpoint is not asked.
    Abort {
        /// 200 to 599.
        status: u16,
    },
    /// Its connection breaks.
    ResetPeer {
        /// Whether the endpoint is asked before, and its answer lost: what it was asked to do is done,
        /// and nobody learns of it. Default: it is not asked.
        #[serde(default)]
        late: bool,
    },
    /// Every byte of the answer's body is another one than it should be.
    WrongBody,
}

const fn all() -> u32 {
    100
}

impl GatewayFault {
    /// Says what is wrong with it, if anything is.
    ///
    /// # Errors
    ///
    /// A share of nothing or of more than all; a delay above [`LATENCY_MAX`]; a status that is none
    /// of an answer.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=100).contains(&self.share_percent) {
            return Err(format!("share_percent is {}: 1 to 100", self.share_percent));
        }
        match self.effect {
            FaultEffect::Latency {
                latency_ms,
                jitter_ms,
            } => {
                let longest = Duration::from_millis(latency_ms.saturating_add(jitter_ms));
                if longest > LATENCY_MAX {
                    return Err(format!(
                        "a latency of {longest:?}: at most {LATENCY_MAX:?}, jitter included"
                    ));
                }
                if jitter_ms > latency_ms {
                    return Err("jitter_ms is more than latency_ms".to_owned());
                }
            }
            FaultEffect::Abort { status } if !(200..=599).contains(&status) => {
                return Err(format!("status is {status}: 200 to 599"));
            }
            FaultEffect::Abort { .. } | FaultEffect::ResetPeer { .. } | FaultEffect::WrongBody => {}
        }
        Ok(())
    }

    /// Whether an attempt is hit for which `draw`, from 0 up to 1, was drawn.
    #[must_use]
    pub fn hits(&self, draw: f64) -> bool {
        draw * 100.0 < f64::from(self.share_percent)
    }
}

impl FaultEffect {
    /// The name in notices and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::Abort { .. } => "abort",
            Self::ResetPeer { .. } => "reset_peer",
            Self::WrongBody => "wrong_body",
        }
    }

    /// How much later an attempt begins for which `draw`, from 0 up to 1, was drawn: uniform within
    /// the jitter.
    #[must_use]
    pub fn delay(self, draw: f64) -> Duration {
        match self {
            Self::Latency {
                latency_ms,
                jitter_ms,
            } => {
                let least = Duration::from_millis(latency_ms.saturating_sub(jitter_ms));
                let span = Duration::from_millis(jitter_ms.saturating_mul(2));
                least + span.mul_f64(draw.clamp(0.0, 1.0))
            }
            Self::Abort { .. } | Self::ResetPeer { .. } | Self::WrongBody => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(share_percent: u32, effect: FaultEffect) -> GatewayFault {
        GatewayFault {
            share_percent,
            header: None,
            effect,
        }
    }

    #[test]
    fn the_share_is_that_of_the_draws() {
        let fault = fault(30, FaultEffect::WrongBody);
        let hits = (0..1_000_u32).filter(|n| fault.hits(f64::from(*n) / 1_000.0));
        assert_eq!(hits.count(), 300);
    }

    #[test]
    fn a_delay_is_within_its_jitter() {
        let effect = FaultEffect::Latency {
            latency_ms: 100,
            jitter_ms: 40,
        };
        let delay = |draw| effect.delay(draw).as_millis();
        assert_eq!((delay(0.0), delay(0.5), delay(1.0)), (60, 100, 140));
        assert_eq!(FaultEffect::WrongBody.delay(0.5), Duration::ZERO);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let latency = |latency_ms, jitter_ms| FaultEffect::Latency {
            latency_ms,
            jitter_ms,
        };
        for (wrong, says) in [
            (fault(0, FaultEffect::WrongBody), "share_percent"),
            (fault(101, FaultEffect::WrongBody), "share_percent"),
            (fault(1, FaultEffect::Abort { status: 199 }), "status"),
            (fault(1, FaultEffect::Abort { status: 600 }), "status"),
            (fault(1, latency(59_000, 1_001)), "at most"),
            (fault(1, latency(u64::MAX, u64::MAX)), "at most"),
            (fault(1, latency(1, 2)), "jitter_ms"),
        ] {
            let error = wrong.check().unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        assert_eq!(fault(100, latency(59_000, 1_000)).check(), Ok(()));
    }

    #[test]
    fn what_it_hit_is_said_by_how_it_ended() {
        let mut hits = FaultHits::default();
        assert_eq!(hits.to_string(), "0 requests");
        hits.requests = 1;
        assert_eq!(hits.to_string(), "1 request: 1 under way still");
        hits = FaultHits {
            requests: 60,
            ok: 53,
            failed: 4,
            other: 3,
        };
        let said = "60 requests: 53 answered, 4 failed, 3 given up or refused";
        assert_eq!(hits.to_string(), said);
    }

    #[test]
    fn it_reads_as_it_is_written() {
        let text = r#"{"effect":{"type":"latency","latency_ms":5}}"#;
        let read: GatewayFault = serde_json::from_str(text).unwrap();
        assert_eq!(
            read,
            fault(
                100,
                FaultEffect::Latency {
                    latency_ms: 5,
                    jitter_ms: 0
                }
            )
        );
        let reset = r#"{"effect":{"type":"reset_peer"}}"#;
        let reset: GatewayFault = serde_json::from_str(reset).unwrap();
        assert_eq!(reset, fault(100, FaultEffect::ResetPeer { late: false }));
        let again = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<GatewayFault>(&again).unwrap(), read);
    }
}
