//! By gRPC status.

use std::time::Duration;

use super::super::{Outcome, Pushback};

/// A status code of gRPC, 0 to 16, as in `grpc-status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrpcStatus(pub u32);

impl GrpcStatus {
    /// What it says about the server; nothing if the client gave up (CANCELLED).
    #[must_use]
    pub const fn outcome(self) -> Option<Outcome> {
        match self.0 {
            0 => Some(Outcome::Success),
            // CANCELLED.
            1 => None,
            // INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, FAILED_PRECONDITION,
            // ABORTED (a conflict between callers), OUT_OF_RANGE, UNIMPLEMENTED, UNAUTHENTICATED.
            3 | 5..=7 | 9..=12 | 16 => Some(Outcome::Ignored),
            // UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE, DATA_LOSS, and
            // what is no status at all.
            _ => Some(Outcome::Failure),
        }
    }

    /// Whether the server says that it has too much to do: RESOURCE_EXHAUSTED, or UNAVAILABLE.
    #[must_use]
    pub const fn is_overloaded(self) -> bool {
        matches!(self.0, 8 | 14)
    }

    /// When the server wants to be asked again, by its trailer `grpc-retry-pushback-ms`: a number
    /// of milliseconds, and anything else means never (gRFC A6, "Pushback").
    #[must_use]
    pub fn pushback(retry_pushback_ms: Option<&str>) -> Pushback {
        let Some(text) = retry_pushback_ms else {
            return Pushback::Unsaid;
        };
        text.trim()
            .parse()
            .ok()
            .and_then(|ms: i32| u64::try_from(ms).ok())
            .map_or(Pushback::Never, |ms| {
                Pushback::After(Duration::from_millis(ms))
            })
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_outcome() {
        let outcomes: String = (0..18)
            .map(|code| match GrpcStatus(code).outcome() {
                Some(Outcome::Success) => 's',
                Some(Outcome::Failure) => 'f',
                Some(Outcome::Ignored) => 'i',
                Some(Outcome::Slow) => '?',
                None => '-',
            })
            .collect();
        assert_eq!(outcomes, "s-fifiiifiiiifffif");
    }

    #[test]
    fn reads_pushback_and_takes_garbage_for_never() {
        let of = GrpcStatus::pushback;
        assert_eq!(of(None), Pushback::Unsaid);
        assert_eq!(of(Some("250")), Pushback::After(Duration::from_millis(250)));
        for never in ["-1", "", "soon", "1.5", "9999999999"] {
            assert_eq!(of(Some(never)), Pushback::Never, "{never}");
        }
    }
}
