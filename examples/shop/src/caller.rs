//! What a request says about its caller, and what is passed on to whom we call in turn.

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue};

/// How long the caller still waits, in milliseconds. Ninefold's gateway sets it.
pub const DEADLINE: &str = "x-deadline-ms";

/// Passed on as they come, so that logs and traces of both services can be joined.
const PASSED_ON: [&str; 3] = ["x-request-id", "traceparent", "tracestate"];

/// The longest that any call waits, also for a caller that names no deadline.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// The caller of one request.
#[derive(Clone, Debug)]
pub struct Caller {
    headers: HeaderMap,
    deadline: Instant,
}

impl Caller {
    /// Reads the headers of a request that arrived at `now`.
    #[must_use]
    pub fn of(request: &HeaderMap, now: Instant) -> Self {
        let mut headers = HeaderMap::new();
        for name in PASSED_ON {
            if let Some(value) = request.get(name) {
                headers.insert(name, value.clone());
            }
        }
        let wait = request
            .get(DEADLINE)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map_or(WAIT_MAX, |ms| Duration::from_millis(ms).min(WAIT_MAX));
        Self {
            headers,
            deadline: now + wait,
        }
    }

    /// How long the caller still waits at `now`; nothing once the deadline has passed.
    #[must_use]
    pub fn remaining(&self, now: Instant) -> Option<Duration> {
        self.deadline
            .checked_duration_since(now)
            .filter(|left| !left.is_zero())
    }

    /// The headers of a call made on the caller's behalf that may take `left`.
    #[must_use]
    pub fn headers(&self, left: Duration) -> HeaderMap {
        let mut headers = self.headers.clone();
        let ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        headers.insert(DEADLINE, HeaderValue::from(ms));
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(headers: &[(&'static str, &'static str)], now: Instant) -> Caller {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        Caller::of(&map, now)
    }

    #[test]
    fn passes_on_identity_and_what_is_left_of_the_deadline() {
        let now = Instant::now();
        let caller = caller(
            &[
                ("x-request-id", "r1"),
                ("x-deadline-ms", "800"),
                ("cookie", "secret"),
            ],
            now,
        );
        let left = caller.remaining(now + Duration::from_millis(300)).unwrap();
        let headers = caller.headers(left);
        assert_eq!(headers["x-request-id"], "r1");
        assert_eq!(headers[DEADLINE], "500");
        assert_eq!(headers.len(), 2);
        assert_eq!(caller.remaining(now + Duration::from_millis(800)), None);
    }

    #[test]
    fn a_missing_or_odd_deadline_is_the_longest_wait() {
        let now = Instant::now();
        for headers in [
            &[][..],
            &[("x-deadline-ms", "soon")],
            &[("x-deadline-ms", "99999999")],
        ] {
            assert_eq!(caller(headers, now).remaining(now), Some(WAIT_MAX));
        }
    }
}
