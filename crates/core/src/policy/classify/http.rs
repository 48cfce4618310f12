//! By HTTP status.

use std::time::Duration;

use super::super::{Outcome, Pushback};
use super::http_date::http_date;
use crate::time::Timestamp;

/// A status code of HTTP (RFC 9110, section 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpStatus(pub u16);

impl HttpStatus {
    /// What it says about the server; nothing if the client gave up (499).
    #[must_use]
    pub const fn outcome(self) -> Option<Outcome> {
        match self.0 {
            100..=399 => Some(Outcome::Success),
            // The server is asked for more than it can or will do.
            429 => Some(Outcome::Failure),
            499 => None,
            // Not implemented, HTTP version, and a captive portal: asking again helps nobody, and
            // nothing is broken that was not broken before.
            400..=498 | 501 | 505 | 511 => Some(Outcome::Ignored),
            // 5xx, and what is no status at all.
            _ => Some(Outcome::Failure),
        }
    }

    /// Whether the server says that it has too much to do: 429, or 503.
    #[must_use]
    pub const fn is_overloaded(self) -> bool {
        matches!(self.0, 429 | 503)
    }

    /// When the server wants to be asked again, by its header `retry-after` if there is one: of a
    /// 429 and of a 503, as of others it says something else. `wall` is the wall clock's time, which
    /// a date is held against. What cannot be read is unsaid.
    #[must_use]
    pub fn pushback(self, retry_after: Option<&str>, wall: Timestamp) -> Pushback {
        let Some(text) = retry_after.filter(|_| self.is_overloaded()) else {
            return Pushback::Unsaid;
        };
        let text = text.trim();
        let seconds = text.bytes().all(|byte| byte.is_ascii_digit());
        let wait = if seconds {
            text.parse().ok().map(Duration::from_secs)
        } else {
            http_date(text).map(|at| at.since(wall))
        };
        wait.map_or(Pushback::Unsaid, Pushback::After)
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_outcome() {
        let of = |status| HttpStatus(status).outcome();
        for status in [100, 200, 204, 301, 304] {
            assert_eq!(of(status), Some(Outcome::Success), "{status}");
        }
        for status in [400, 401, 404, 408, 409, 422, 451, 498, 501, 505, 511] {
            assert_eq!(of(status), Some(Outcome::Ignored), "{status}");
        }
        for status in [429, 500, 502, 503, 504, 507, 599, 0, 99, 600] {
            assert_eq!(of(status), Some(Outcome::Failure), "{status}");
        }
    }

    #[test]
    fn resilience4j_682_a_client_that_went_is_no_failure() {
        assert_eq!(HttpStatus(499).outcome(), None);
    }

    #[test]
    fn reads_retry_after_in_seconds_and_as_a_date() {
        let wall = Timestamp::from_secs(784_111_777);
        let of = |text| HttpStatus(503).pushback(Some(text), wall);
        assert_eq!(of("120"), Pushback::After(Duration::from_secs(120)));
        assert_eq!(of(" 0 "), Pushback::After(Duration::ZERO));
        assert_eq!(
            of("Sun, 06 Nov 1994 08:50:37 GMT"),
            Pushback::After(Duration::from_secs(60))
        );
        assert_eq!(
            of("Sun, 06 Nov 1994 08:48:37 GMT"),
            Pushback::After(Duration::ZERO),
            "over already"
        );
        for garbage in ["", "-1", "1.5", "soon", "99999999999999999999999"] {
            assert_eq!(of(garbage), Pushback::Unsaid, "{garbage}");
        }
        let redirect = HttpStatus(301).pushback(Some("120"), wall);
        assert_eq!(redirect, Pushback::Unsaid);
    }
}
