//! What one answer says about the endpoint that gave it.

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
}
