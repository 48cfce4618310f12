//! The policy itself.

use std::time::Duration;

use super::super::sync::atomic::{AtomicU64, Ordering};
use super::super::{
    Admission, Change, Evictable, InvalidPolicy, Now, Outcome, PolicyKind, Reason, Rejected,
    RequestMeta, Source,
};
use super::DeadlineConfig;
use crate::time::Timestamp;
use crate::units::Span;

/// Refuses what has no time left. See the [module](super).
#[derive(Debug)]
pub struct Deadline {
    min_useful_ns: AtomicU64,
    default_timeout_ns: AtomicU64,
    max_timeout_ns: AtomicU64,
    source: Source,
}

/// A timeout that was not set.
const NEVER_NS: u64 = u64::MAX;

impl Default for Deadline {
    fn default() -> Self {
        Self::checked(DeadlineConfig::default())
    }
}

impl Deadline {
    /// A policy of these knobs.
    ///
    /// # Errors
    ///
    /// What [`DeadlineConfig::validate`] says.
    pub fn new(config: DeadlineConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        Ok(Self::checked(config))
    }

    fn checked(config: DeadlineConfig) -> Self {
        Self {
            min_useful_ns: AtomicU64::new(config.min_useful.as_nanos()),
            default_timeout_ns: AtomicU64::new(ns_of(config.default_timeout)),
            max_timeout_ns: AtomicU64::new(ns_of(config.max_timeout)),
            source: Source::default(),
        }
    }

    /// The same, with a name and a listener.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// Takes another configuration.
    ///
    /// # Errors
    ///
    /// What [`DeadlineConfig::validate`] says; then nothing has changed.
    pub fn reconfigure(&self, config: DeadlineConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        for (knob, ns) in [
            (&self.min_useful_ns, config.min_useful.as_nanos()),
            (&self.default_timeout_ns, ns_of(config.default_timeout)),
            (&self.max_timeout_ns, ns_of(config.max_timeout)),
        ] {
            knob.store(ns, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> DeadlineConfig {
        DeadlineConfig {
            min_useful: Span(nanos(&self.min_useful_ns)),
            default_timeout: timeout(&self.default_timeout_ns).map(Span),
            max_timeout: timeout(&self.max_timeout_ns).map(Span),
        }
    }

    /// The deadline that holds for a call that arrived now with the deadline `asked`: what
    /// [`Admission::within`] hands on. No clock is asked where nothing is bounded.
    #[must_use]
    #[inline]
    pub fn of(&self, asked: Option<Timestamp>, now: impl Now) -> Option<Timestamp> {
        let default = timeout(&self.default_timeout_ns);
        let max = timeout(&self.max_timeout_ns);
        match (asked, default.or(max), max) {
            (None, None, _) | (Some(_), _, None) => asked,
            (None, Some(timeout), max) => Some(now.now() + timeout.min(max.unwrap_or(timeout))),
            (Some(asked), _, Some(max)) => Some(asked.min(now.now() + max)),
        }
    }

    /// How long the caller still waits: for ever if it has no deadline.
    #[must_use]
    pub fn remaining(request: &RequestMeta, now: Timestamp) -> Option<Duration> {
        request.deadline.map(|deadline| deadline.since(now))
    }

    #[cold]
    fn refused(&self) -> Rejected {
        let rejected = Rejected::new(Self::KIND, Reason::DeadlineExceeded).for_good();
        self.source.emit(Self::KIND, || Change::Rejected(rejected));
        rejected
    }
}

fn ns_of(timeout: Option<Span>) -> u64 {
    timeout.map_or(NEVER_NS, Span::as_nanos)
}

#[inline]
fn nanos(knob: &AtomicU64) -> Duration {
    Duration::from_nanos(knob.load(Ordering::Relaxed))
}

#[inline]
fn timeout(knob: &AtomicU64) -> Option<Duration> {
    Some(nanos(knob)).filter(|timeout| *timeout != Duration::from_nanos(NEVER_NS))
}

impl Evictable for Deadline {
    fn is_idle(&self, _now: Timestamp) -> bool {
        true
    }

    fn is_healthy(&self, _now: Timestamp) -> bool {
        true
    }
}

impl Admission for Deadline {
    type Token = ();

    const KIND: PolicyKind = PolicyKind::Deadline;

    #[inline]
    fn try_acquire(&self, request: &RequestMeta, now: impl Now) -> Result<(), Rejected> {
        if request.deadline.is_none() {
            return Ok(());
        }
        let min_useful = nanos(&self.min_useful_ns);
        if Self::remaining(request, now.now()).is_some_and(|left| left <= min_useful) {
            return Err(self.refused());
        }
        Ok(())
    }

    /// With the deadline that holds.
    #[inline]
    fn within(&self, request: RequestMeta, now: impl Now) -> RequestMeta {
        RequestMeta {
            deadline: self.of(request.deadline, now),
            ..request
        }
    }

    #[inline]
    fn settle(&self, (): (), _: Outcome, _: impl Now) {}

    #[inline]
    fn cancel(&self, (): ()) {}
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn refuses_for_good_what_has_too_little_left() {
        let deadline = Deadline::new(DeadlineConfig {
            min_useful: Span::millis(10),
            ..DeadlineConfig::default()
        })
        .unwrap();
        let call = RequestMeta {
            deadline: Some(at(100)),
            ..RequestMeta::default()
        };
        assert!(deadline.try_acquire(&call, at(89)).is_ok());
        let rejected = deadline.try_acquire(&call, at(90)).unwrap_err();
        assert_eq!(
            (rejected.reason, rejected.retryable),
            (Reason::DeadlineExceeded, false)
        );
        assert!(deadline.try_acquire(&call, at(1_000)).is_err(), "long over");
        deadline.reconfigure(DeadlineConfig::default()).unwrap();
        assert!(deadline.try_acquire(&call, at(99)).is_ok());
        assert!(deadline.try_acquire(&call, at(100)).is_err());
    }

    #[test]
    fn a_call_without_deadline_asks_for_no_time() {
        struct Unasked;
        impl Now for Unasked {
            fn now(&self) -> Timestamp {
                panic!("a clock costs more than the rest")
            }
        }
        let call = RequestMeta::default();
        assert!(Deadline::default().try_acquire(&call, Unasked).is_ok());
        assert_eq!(Deadline::default().within(call, Unasked), call);
        assert_eq!(Deadline::remaining(&call, at(5)), None);
    }

    #[test]
    fn the_shorter_of_what_is_asked_and_allowed_holds() {
        let deadline = Deadline::new(DeadlineConfig {
            default_timeout: Some(Span::millis(50)),
            max_timeout: Some(Span::millis(80)),
            ..DeadlineConfig::default()
        })
        .unwrap();
        assert_eq!(deadline.of(None, at(1_000)), Some(at(1_050)));
        assert_eq!(deadline.of(Some(at(1_010)), at(1_000)), Some(at(1_010)));
        assert_eq!(deadline.of(Some(at(9_000)), at(1_000)), Some(at(1_080)));
        assert_eq!(Deadline::default().of(None, at(1_000)), None);
        let handed_on = deadline.within(RequestMeta::default(), at(1_000));
        assert_eq!(handed_on.deadline, Some(at(1_050)));
        let config = DeadlineConfig {
            default_timeout: None,
            ..deadline.config()
        };
        deadline.reconfigure(config).unwrap();
        assert_eq!(deadline.config(), config);
        assert_eq!(deadline.of(None, at(1_000)), Some(at(1_080)));
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let text = r#"{"default_timeout":"2s","max_timeout":"1s"}"#;
        let config: DeadlineConfig = serde_json::from_str(text).unwrap();
        assert_eq!(config.validate().unwrap_err().field, "default_timeout");
        let config = DeadlineConfig {
            max_timeout: Some(Span::millis(0)),
            ..DeadlineConfig::default()
        };
        assert_eq!(config.validate().unwrap_err().field, "max_timeout");
        let written = serde_json::to_string(&DeadlineConfig::default()).unwrap();
        assert_eq!(written, r#"{"min_useful":"0s"}"#);
    }
}
