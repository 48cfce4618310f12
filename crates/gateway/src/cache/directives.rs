//! `Cache-Control` (RFC 9111, section 5.2; RFC 5861).

use std::time::Duration;

use http::HeaderMap;
use http::header::CACHE_CONTROL;

/// The longest time that is believed: a year.
const DELTA_MAX: u64 = 365 * 86_400;

/// What a message says about being kept. An odd time counts as zero, and of two the shorter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Directives {
    pub(super) no_store: bool,
    pub(super) no_cache: bool,
    pub(super) private: bool,
    pub(super) public: bool,
    /// `must-revalidate` or `proxy-revalidate`.
    pub(super) must_revalidate: bool,
    pub(super) only_if_cached: bool,
    pub(super) max_age: Option<Duration>,
    pub(super) s_maxage: Option<Duration>,
    pub(super) min_fresh: Option<Duration>,
    pub(super) stale_while_revalidate: Option<Duration>,
    pub(super) stale_if_error: Option<Duration>,
}

impl Directives {
    /// Those of a message.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut all = Self::default();
        for value in headers.get_all(CACHE_CONTROL) {
            match value.to_str() {
                Ok(text) => pieces(text).for_each(|piece| all.take(piece)),
                // Whatever it was meant to say.
                Err(_) => all.no_store = true,
            }
        }
        all
    }

    fn take(&mut self, piece: &str) {
        let (name, value) = match piece.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (piece.trim(), None),
        };
        let shorter = |time: &mut Option<Duration>| {
            let delta = delta(value);
            *time = Some(time.map_or(delta, |time| time.min(delta)));
        };
        match name.to_ascii_lowercase().as_str() {
            "no-store" => self.no_store = true,
            // Those that name fields count as if they named all of them.
            "no-cache" => self.no_cache = true,
            "private" => self.private = true,
            "public" => self.public = true,
            "must-revalidate" | "proxy-revalidate" => self.must_revalidate = true,
            "only-if-cached" => self.only_if_cached = true,
            "max-age" => shorter(&mut self.max_age),
            "s-maxage" => shorter(&mut self.s_maxage),
            "min-fresh" => shorter(&mut self.min_fresh),
            "stale-while-revalidate" => shorter(&mut self.stale_while_revalidate),
            "stale-if-error" => shorter(&mut self.stale_if_error),
            _ => {}
        }
    }
}

/// Splits at commas that are not quoted.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |c: char| {
        let splits = c == ',' && !quoted;
        if quoted && c == '\\' && !escaped {
            escaped = true;
            return false;
        }
        quoted ^= c == '"' && !escaped;
        escaped = false;
        splits
    })
}

fn delta(value: Option<&str>) -> Duration {
    let text = value.unwrap_or_default().trim_matches('"');
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = match text.parse::<u64>() {
        Ok(seconds) if digits => seconds.min(DELTA_MAX),
        // Too large for a number.
        Err(_) if digits => DELTA_MAX,
        _ => 0,
    };
    Duration::from_secs(seconds)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[&str]) -> Directives {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CACHE_CONTROL, HeaderValue::from_str(value).unwrap());
        }
        Directives::of(&headers)
    }

    #[test]
    fn reads_what_is_written() {
        assert_eq!(of(&[]), Directives::default());
        let read = of(&["Public, max-age=60 , s-maxage=\"5\"", "stale-if-error=9"]);
        assert_eq!(
            read,
            Directives {
                public: true,
                max_age: Some(Duration::from_secs(60)),
                s_maxage: Some(Duration::from_secs(5)),
                stale_if_error: Some(Duration::from_secs(9)),
                ..Directives::default()
            }
        );
        assert!(of(&["private=\"set-cookie, x\", no-cache=\"a\""]).private);
        assert!(
            of(&["x=\"a, no-store, \\\", b\", max-age=1"])
                .max_age
                .is_some()
        );
        assert!(!of(&["x=\"a, no-store, \\\", b\", max-age=1"]).no_store);
    }

    #[test]
    fn odd_times_are_none_and_of_two_the_shorter_counts() {
        for odd in [
            "max-age",
            "max-age=",
            "max-age=-1",
            "max-age=1.5",
            "max-age=+1",
        ] {
            assert_eq!(of(&[odd]).max_age, Some(Duration::ZERO), "{odd}");
        }
        let huge = "max-age=99999999999999999999999";
        assert_eq!(of(&[huge]).max_age, Some(Duration::from_secs(DELTA_MAX)));
        let two = of(&["max-age=9, max-age=3", "max-age=5"]);
        assert_eq!(two.max_age, Some(Duration::from_secs(3)));
    }

    proptest! {
        #[test]
        fn a_no_store_outside_quotes_is_always_seen(
            before in "[a-z0-9=, -]{0,20}",
            after in "[ -~]{0,20}",
        ) {
            let text = format!("{before},No-Store,{after}");
            prop_assert!(of(&[&text]).no_store);
        }
    }
}
