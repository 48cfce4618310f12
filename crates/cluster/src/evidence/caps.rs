//! Caps on convictions, in time and by domain: a detector that is wrong about many is wrong about something else.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ninefold_core::time::Timestamp;

/// Convictions that are remembered at most. When all of them fall into one window, no more are granted.
pub const CONVICTIONS_MAX: usize = 1_024;

/// How many may be convicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Convictions count for so long.
    pub window: Duration,
    /// In all, in a window: as Kubernetes evicts a node each ten seconds.
    pub at_least: usize,
    /// Or this share of all subjects, in thousandths, if that is more: a large cluster has more single failures.
    pub thousandths: usize,
    /// The share of one domain, in percent; one always may. Beyond that what failed is the domain, or the observer.
    pub domain_percent: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(60),
            at_least: 6,
            thousandths: 10,
            domain_percent: 33,
        }
    }
}

/// Why somebody may not be convicted now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// Too many were in this window.
    Rate,
    /// Too many of this domain were.
    Domain,
}

/// What has been convicted lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Convictions {
    known: VecDeque<(Timestamp, Arc<str>)>,
}

impl Convictions {
    /// Whether one more of this domain may be convicted, and by which cap not.
    ///
    /// `all` is how many subjects there are, `domain_size` how many of them are in the domain.
    #[must_use]
    pub fn cap(
        &self,
        settings: &Settings,
        (domain, domain_size): (&str, usize),
        all: usize,
        now: Timestamp,
    ) -> Option<Cap> {
        let recent = || {
            let known = self.known.iter();
            known.filter(|(at, _)| now.since(*at) < settings.window)
        };
        let allowed = settings
            .at_least
            .max(all.saturating_mul(settings.thousandths) / 1_000);
        if recent().count() >= allowed.min(CONVICTIONS_MAX) {
            return Some(Cap::Rate);
        }
        let of_domain = recent().filter(|(_, name)| **name == *domain).count();
        let allowed = domain_size.saturating_mul(settings.domain_percent) / 100;
        (of_domain >= allowed.max(1)).then_some(Cap::Domain)
    }

    /// Remembers a conviction.
    pub fn note(&mut self, domain: impl Into<Arc<str>>, at: Timestamp) {
        self.known.push_back((at, domain.into()));
        if self.known.len() > CONVICTIONS_MAX {
            self.known.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_of_a_domain_at_once_and_again_a_window_later() {
        let settings = Settings::default();
        let mut convictions = Convictions::default();
        let cap = |convictions: &Convictions, domain, size, secs| {
            convictions.cap(&settings, (domain, size), 100, Timestamp::from_secs(secs))
        };
        assert_eq!(cap(&convictions, "a", 3, 1), None);
        convictions.note("a", Timestamp::from_secs(1));
        assert_eq!(cap(&convictions, "a", 3, 2), Some(Cap::Domain));
        assert_eq!(cap(&convictions, "b", 3, 2), None);
        assert_eq!(cap(&convictions, "a", 7, 2), None);
        assert_eq!(cap(&convictions, "a", 3, 61), None);
    }

    #[test]
    fn the_rate_grows_with_the_cluster_and_is_bounded() {
        let settings = Settings::default();
        let mut convictions = Convictions::default();
        let granted = |convictions: &mut Convictions, all: usize| {
            let at = Timestamp::from_secs(1);
            *convictions = Convictions::default();
            (0..)
                .take_while(|n: &usize| {
                    let domain = format!("zone {n}");
                    let free = convictions.cap(&settings, (&domain, 9), all, at).is_none();
                    convictions.note(domain, at);
                    free
                })
                .count()
        };
        assert_eq!(granted(&mut convictions, 100), 6);
        assert_eq!(granted(&mut convictions, 10_000), 100);
        assert_eq!(granted(&mut convictions, usize::MAX / 100), CONVICTIONS_MAX);
    }
}
