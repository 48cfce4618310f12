//! Whether an answer may be kept, and for how long.

use std::time::Duration;

use http::header::{AGE, CONTENT_RANGE, DATE, EXPIRES, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderName};
use ninefold_core::policy::classify::http_date;
use ninefold_core::time::Timestamp;

use super::directives::Directives;

/// What a route allows where an answer says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// How long an answer of 200 is fresh.
    pub(crate) fresh: Duration,
    /// How long after that it is used while a new one is fetched.
    pub(crate) behind: Duration,
    /// How long after that it is used when no new one can be had.
    pub(crate) on_error: Duration,
}

/// How long an answer may be used, from the moment of its head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lifetimes {
    /// How old it was when it came.
    pub(crate) age: Duration,
    pub(crate) fresh: Duration,
    pub(crate) behind: Duration,
    pub(crate) on_error: Duration,
    /// Whether it is marked for everybody.
    pub(crate) shared: bool,
}

impl Lifetimes {
    /// The age at which nothing more can be done with it.
    pub(crate) fn end(&self) -> Duration {
        self.fresh + self.behind.max(self.on_error)
    }
}

/// Final answers that mean the same to everybody (RFC 9110, section 15.1, without 206, 414 and 501).
const KEPT: [u16; 8] = [200, 203, 204, 300, 301, 308, 404, 410];

/// An answer with a `Vary` of more names than this is not kept.
pub(super) const VARY_MAX: usize = 8;

/// How long an answer may be kept; nothing if it may not be. `personal`: the request brought a cookie
/// or credentials; `took`: from the request to the answer's head; `wall`: now, by the calendar.
pub(crate) fn judge(
    rules: &Rules,
    personal: bool,
    status: u16,
    headers: &HeaderMap,
    took: Duration,
    wall: Timestamp,
) -> Option<Lifetimes> {
    let said = Directives::of(headers);
    let shared = said.public || said.s_maxage.is_some();
    if !KEPT.contains(&status)
        || said.no_store
        || said.private
        || said.no_cache
        || personal && !shared
        || headers.contains_key(SET_COOKIE)
        || headers.contains_key(CONTENT_RANGE)
        || vary(headers).is_none()
    {
        return None;
    }
    let date = date_of(headers, &DATE);
    let expires = headers.contains_key(EXPIRES).then(|| {
        let expires = date_of(headers, &EXPIRES);
        expires.map_or(Duration::ZERO, |at| at.since(date.unwrap_or(wall)))
    });
    let explicit = said.s_maxage.or(said.max_age).or(expires);
    let fresh = match explicit {
        Some(fresh) => fresh,
        None if status == 200 => rules.fresh,
        None => return None,
    };
    // RFC 9111, section 4.2.4: where the service forbids it, nothing stale.
    let stale = |own: Option<Duration>, rule: Duration| match own {
        _ if said.must_revalidate => Duration::ZERO,
        Some(own) => own,
        None if said.s_maxage.is_some() => Duration::ZERO,
        None => rule,
    };
    let lifetimes = Lifetimes {
        age: age(headers, date, took, wall),
        fresh,
        behind: stale(said.stale_while_revalidate, rules.behind),
        on_error: stale(said.stale_if_error, rules.on_error),
        shared,
    };
    (lifetimes.age < lifetimes.end()).then_some(lifetimes)
}

/// Seconds that an `Age` says at most; what is no number is as old.
const AGE_MAX: u64 = 1 << 31;

/// RFC 9111, section 4.2.3.
fn age(headers: &HeaderMap, date: Option<Timestamp>, took: Duration, wall: Timestamp) -> Duration {
    let said = headers.get(AGE).and_then(|age| age.to_str().ok());
    let said = said.map_or(0, |age| age.trim().parse().unwrap_or(AGE_MAX));
    let apparent = date.map_or(Duration::ZERO, |date| wall.since(date));
    // A clock that is a second off makes nothing old.
    let apparent = apparent.saturating_sub(Duration::from_secs(1));
    apparent.max(Duration::from_secs(said.min(AGE_MAX)) + took)
}

fn date_of(headers: &HeaderMap, name: &HeaderName) -> Option<Timestamp> {
    http_date(headers.get(name)?.to_str().ok()?)
}

/// The names in `Vary`; nothing where it says that no other request is like this one.
pub(super) fn vary(headers: &HeaderMap) -> Option<Vec<HeaderName>> {
    let mut names = Vec::new();
    for value in headers.get_all(VARY) {
        for name in value.to_str().ok()?.split(',').map(str::trim) {
            if name.is_empty() {
                continue;
            }
            if name == "*" || names.len() >= VARY_MAX {
                return None;
            }
            names.push(HeaderName::from_bytes(name.as_bytes()).ok()?);
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const RULES: Rules = Rules {
        fresh: Duration::from_secs(5),
        behind: Duration::from_secs(10),
        on_error: Duration::from_secs(100),
    };

    const WALL: Timestamp = Timestamp::from_secs(784_111_777);

    fn judged(personal: bool, status: u16, headers: &[(&str, &str)]) -> Option<Lifetimes> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        judge(&RULES, personal, status, &map, Duration::ZERO, WALL)
    }

    fn times(headers: &[(&str, &str)]) -> Option<[u64; 4]> {
        let found = judged(false, 200, headers)?;
        let times = [found.age, found.fresh, found.behind, found.on_error];
        Some(times.map(|time| time.as_secs()))
    }

    #[test]
    fn what_an_answer_says_goes_before_the_route() {
        for (headers, expected) in [
            ([].as_slice(), [0, 5, 10, 100]),
            (&[("cache-control", "max-age=60")], [0, 60, 10, 100]),
            (&[("cache-control", "max-age=60, s-maxage=7")], [0, 7, 0, 0]),
            (
                &[("cache-control", "s-maxage=7, stale-while-revalidate=3")],
                [0, 7, 3, 0],
            ),
            (
                &[(
                    "cache-control",
                    "max-age=60, must-revalidate, stale-if-error=9",
                )],
                [0, 60, 0, 0],
            ),
            (
                &[("cache-control", "max-age=60, stale-if-error=9")],
                [0, 60, 10, 9],
            ),
            (&[("age", "4")], [4, 5, 10, 100]),
            (&[("expires", "0")], [0, 0, 10, 100]),
            (
                &[
                    ("date", "Sun, 06 Nov 1994 08:49:27 GMT"),
                    ("expires", "Sun, 06 Nov 1994 08:50:27 GMT"),
                ],
                [9, 60, 10, 100],
            ),
        ] {
            assert_eq!(times(headers), Some(expected), "{headers:?}");
        }
    }

    #[test]
    fn what_cannot_be_used_again_is_not_kept() {
        for headers in [
            [
                ("cache-control", "max-age=1, must-revalidate"),
                ("age", "1"),
            ]
            .as_slice(),
            &[("vary", "*")],
            &[("vary", "a, b, c, d, e, f, g, h, i")],
            &[("content-range", "bytes 0-1/2")],
            &[("age", "200")],
        ] {
            assert_eq!(times(headers), None, "{headers:?}");
        }
        for status in [101, 206, 304, 302, 401, 403, 500, 502, 503, 504] {
            let explicit = [("cache-control", "public, max-age=60")];
            assert_eq!(judged(false, status, &explicit), None, "{status}");
        }
        // Only of a 200 does the route say how long.
        assert_eq!(judged(false, 404, &[]), None);
        assert!(judged(false, 404, &[("cache-control", "max-age=1")]).is_some());
    }

    #[test]
    fn answers_to_somebody_are_kept_for_everybody_only_if_they_say_so() {
        assert_eq!(judged(true, 200, &[("cache-control", "max-age=60")]), None);
        for said in ["public", "s-maxage=9"] {
            let found = judged(true, 200, &[("cache-control", said)]);
            assert!(found.is_some_and(|found| found.shared), "{said}");
        }
    }

    proptest! {
        /// Whatever else is said.
        #[test]
        fn nothing_private_is_kept(
            others in proptest::collection::vec("[a-z-]{1,12}(=[0-9]{1,4})?", 0..5),
            which in 0_usize..4,
            personal: bool,
            status in proptest::sample::select(KEPT.as_slice()),
        ) {
            let mut directives = others;
            directives.push("max-age=60".to_owned());
            directives.push("public".to_owned());
            let mut headers = vec![];
            match which {
                0 => directives.insert(0, "private".to_owned()),
                1 => directives.insert(0, "no-store".to_owned()),
                2 => directives.push("no-cache".to_owned()),
                _ => headers.push(("set-cookie", "a=1")),
            }
            let joined = directives.join(", ");
            headers.push(("cache-control", joined.as_str()));
            prop_assert_eq!(judged(personal, status, &headers), None);
        }
    }
}
