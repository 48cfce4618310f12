//! What an answer of some age is good for.

use std::time::Duration;

use super::CacheConfig;

/// What an answer of some age is good for (RFC 5861).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Freshness {
    /// To be given.
    Fresh,
    /// To be given while a new one is fetched.
    WhileRevalidating,
    /// To be given if a new one cannot be had.
    IfError,
    /// For nothing.
    Gone,
}

/// `ttl` is the answer's own, if it has one.
pub(super) fn freshness(age: Duration, ttl: Option<Duration>, config: &CacheConfig) -> Freshness {
    let Some(stale_for) = age.checked_sub(ttl.unwrap_or(config.ttl.0)) else {
        return Freshness::Fresh;
    };
    if stale_for < config.stale_while_revalidate.0 {
        Freshness::WhileRevalidating
    } else if stale_for < config.stale_if_error.0 {
        Freshness::IfError
    } else {
        Freshness::Gone
    }
}

#[cfg(test)]
mod tests {
    use ninefold_core::units::Span;
    use proptest::prelude::*;

    use super::*;

    fn config(revalidate: u64, error: u64) -> CacheConfig {
        CacheConfig {
            ttl: Span::secs(10),
            stale_while_revalidate: Span::secs(revalidate),
            stale_if_error: Span::secs(error),
            ..CacheConfig::default()
        }
    }

    #[test]
    fn ages() {
        let at = |secs| freshness(Duration::from_secs(secs), None, &config(5, 30));
        let seen = [0, 9, 10, 14, 15, 39, 40].map(at);
        use Freshness::{Fresh, Gone, IfError, WhileRevalidating};
        let expected = [
            Fresh,
            Fresh,
            WhileRevalidating,
            WhileRevalidating,
            IfError,
            IfError,
            Gone,
        ];
        assert_eq!(seen, expected);
    }

    proptest! {
        #[test]
        fn nothing_gets_fresher(a in 0u64..100, b in 0u64..100, revalidate in 0u64..50, error in 0u64..50, own in prop::option::of(1u64..50)) {
            let config = config(revalidate, error);
            let at = |secs| freshness(Duration::from_secs(secs), own.map(Duration::from_secs), &config);
            prop_assert!(at(a.min(b)) <= at(a.max(b)));
            prop_assert_eq!(at(a) == Freshness::Fresh, a < own.unwrap_or(10));
        }
    }
}
