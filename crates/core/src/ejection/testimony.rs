//! What one answer says about the endpoint that gave it.

use crate::policy::classify::GrpcStatus;

use super::Grade;

/// What an answer says about the endpoint that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Testimony {
    /// It works.
    For,
    /// It fails.
    Against,
    /// It refused something that the request asked for: whoever sends such requests could
    /// otherwise eject every endpoint. Nor does that answer excuse other failures, or count as a
    /// fast one.
    Neither,
}

impl Testimony {
    /// That of a status (RFC 9110, section 15): 501 is about the method, 505 about the version of
    /// the request.
    #[must_use]
    pub const fn of(status: u16) -> Self {
        match status {
            501 | 505 => Self::Neither,
            500.. => Self::Against,
            _ => Self::For,
        }
    }

    /// That of a gRPC status. What follows from the caller (a time that was too short, a quota, a
    /// method that does not exist) says nothing, as 501 says nothing.
    #[must_use]
    pub const fn of_grpc(status: GrpcStatus) -> Self {
        match status.0 {
            // CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNIMPLEMENTED.
            1 | 4 | 8 | 12 => Self::Neither,
            // UNKNOWN, INTERNAL, UNAVAILABLE, DATA_LOSS, and what is no status.
            2 | 13..=15 | 17.. => Self::Against,
            _ => Self::For,
        }
    }
}

impl Grade {
    /// How grave a status of 500 or more is.
    #[must_use]
    pub const fn of(status: u16) -> Self {
        match status {
            502..=504 => Self::Gateway,
            _ => Self::Error,
        }
    }

    /// How grave a gRPC status is that speaks against its endpoint: UNAVAILABLE is what a broken
    /// endpoint, or a proxy in front of one, says.
    #[must_use]
    pub const fn of_grpc(status: GrpcStatus) -> Self {
        match status.0 {
            14 => Self::Gateway,
            _ => Self::Error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_about_the_request_say_nothing() {
        let of = |status| Testimony::of(status);
        for works in [200, 304, 404, 429, 499] {
            assert_eq!(of(works), Testimony::For, "{works}");
        }
        for fails in [500, 502, 503, 504, 507, 599] {
            assert_eq!(of(fails), Testimony::Against, "{fails}");
        }
        assert_eq!((of(501), of(505)), (Testimony::Neither, Testimony::Neither));
    }

    #[test]
    fn every_grpc_status_has_its_testimony() {
        let all: String = (0..18)
            .map(|code| match Testimony::of_grpc(GrpcStatus(code)) {
                Testimony::For => '+',
                Testimony::Against => '-',
                Testimony::Neither => '.',
            })
            .collect();
        assert_eq!(all, "+.-+.+++.+++.---+-");
        assert_eq!(Grade::of_grpc(GrpcStatus(14)), Grade::of(503));
        assert_eq!(Grade::of_grpc(GrpcStatus(13)), Grade::of(500));
    }
}
