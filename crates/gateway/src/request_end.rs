//! How requests end that do not end well: who ended them, in which phase, and why.

use serde::{Deserialize, Serialize};

use crate::exchange::{Outcome, Phase, Who};

/// What an end is, as one row of the table in [`RequestEnd::row`].
type Row = (Outcome, Who, Phase, &'static str, Option<&'static str>);

/// How a request ended, if not with a good answer that arrived whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestEnd {
    /// The head was malformed or too large.
    HeadRefused,
    /// No route takes such requests.
    NoRoute,
    /// Its client, or tenant, asked too often.
    RateLimited,
    /// Its client, or tenant, had too many requests under way.
    ShareUsed,
    /// It wanted an answer that is kept, and none was.
    NotKept,
    /// Its body was too large.
    BodyTooLarge,
    /// Its body was malformed.
    BodyMalformed,
    /// Its body did not come in time.
    BodySlow,
    /// The client left before an endpoint was chosen.
    LeftRoute,
    /// The client left while the request waited for a place.
    LeftQueue,
    /// The client left while a connection was made.
    LeftConnect,
    /// The client left before its body was whole.
    LeftSend,
    /// The client left before the answer.
    LeftWait,
    /// The client left before the answer was whole.
    LeftBody,
    /// The client's own deadline passed while the request waited for a place.
    ImpatientQueue,
    /// The client's own deadline passed before the answer.
    ImpatientWait,
    /// No endpoint was up, or too few were.
    NoEndpoint,
    /// The service's breaker was open.
    BreakerOpen,
    /// The places of the route were taken.
    BulkheadFull,
    /// The service had more to do than it could.
    Overloaded,
    /// As many connections as allowed were open to each endpoint.
    ConnectionsTaken,
    /// The route's time passed before the answer.
    RouteDeadline,
    /// A fallback answered with a status of 500 or above.
    Fallback,
    /// Another instance became the active one.
    Deposed,
    /// A connection that left HTTP could not be joined.
    NotJoined,
    /// An endpoint refused the connection.
    ConnectRefused,
    /// An endpoint took no connection in time.
    ConnectTimeout,
    /// An endpoint did not agree on TLS or HTTP/2.
    ConnectHandshake,
    /// An endpoint did not answer in the time of one try.
    AnswerTimeout,
    /// An endpoint broke the connection before its answer.
    AnswerReset,
    /// An endpoint broke its answer off.
    BodyBroken,
    /// An endpoint paused for too long in its answer.
    BodyPaused,
    /// An endpoint answered with a status of 500 or above, or a gRPC status that is as bad.
    Status,
}

impl RequestEnd {
    /// All of them, in their order.
    pub const ALL: [Self; 33] = [
        Self::HeadRefused,
        Self::NoRoute,
        Self::RateLimited,
        Self::ShareUsed,
        Self::NotKept,
        Self::BodyTooLarge,
        Self::BodyMalformed,
        Self::BodySlow,
        Self::LeftRoute,
        Self::LeftQueue,
        Self::LeftConnect,
        Self::LeftSend,
        Self::LeftWait,
        Self::LeftBody,
        Self::ImpatientQueue,
        Self::ImpatientWait,
        Self::NoEndpoint,
        Self::BreakerOpen,
        Self::BulkheadFull,
        Self::Overloaded,
        Self::ConnectionsTaken,
        Self::RouteDeadline,
        Self::Fallback,
        Self::Deposed,
        Self::NotJoined,
        Self::ConnectRefused,
        Self::ConnectTimeout,
        Self::ConnectHandshake,
        Self::AnswerTimeout,
        Self::AnswerReset,
        Self::BodyBroken,
        Self::BodyPaused,
        Self::Status,
    ];

    /// Those of requests that failed: the last ones of all.
    pub(crate) const FAILED: usize = Self::ALL.len() - Self::NoEndpoint as usize;

    /// How requests of a service end of which no endpoint may be asked.
    pub(crate) const UNSERVED: [Self; 2] = [Self::NoEndpoint, Self::BreakerOpen];

    /// Those of requests that failed, in the order of their places.
    pub(crate) fn failures() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|end| end.failed().is_some())
    }

    /// Its place among those of requests that failed, if it is one.
    pub(crate) const fn failed(self) -> Option<usize> {
        (self as usize).checked_sub(Self::NoEndpoint as usize)
    }

    /// Outcome, who, phase and cause; and what the header of an answer of the gateway's own says.
    const fn row(self) -> Row {
        use Outcome::{Cancelled, Failed, Refused};
        use Phase::{Body, Connect, Done, Head, Queue, Route, Send, Wait};
        use Who::{Client, Gateway, Upstream};
        match self {
            Self::HeadRefused => (Refused, Client, Head, "refused", Some("client/head")),
            Self::NoRoute => (Refused, Client, Route, "no-route", Some("gateway/route")),
            Self::RateLimited => (Refused, Client, Route, "rate", Some("client/rate")),
            Self::ShareUsed => (Refused, Client, Route, "bulkhead", Some("client/bulkhead")),
            Self::NotKept => (Refused, Client, Route, "not-kept", Some("client/cache")),
            Self::BodyTooLarge => (Refused, Client, Send, "too-large", Some("client/body")),
            Self::BodyMalformed => (Refused, Client, Send, "malformed", Some("client/body")),
            Self::BodySlow => (Refused, Client, Send, "slow", Some("client/body")),
            Self::LeftRoute => (Cancelled, Client, Route, "left", None),
            Self::LeftQueue => (Cancelled, Client, Queue, "left", None),
            Self::LeftConnect => (Cancelled, Client, Connect, "left", None),
            Self::LeftSend => (Cancelled, Client, Send, "left", Some("client/body")),
            Self::LeftWait => (Cancelled, Client, Wait, "left", None),
            Self::LeftBody => (Cancelled, Client, Body, "left", None),
            Self::ImpatientQueue => (
                Cancelled,
                Client,
                Queue,
                "deadline",
                Some("gateway/overload"),
            ),
            Self::ImpatientWait => (Cancelled, Client, Wait, "deadline", Some("client/wait")),
            Self::NoEndpoint => (Failed, Gateway, Route, "no-endpoint", Some("gateway/route")),
            Self::BreakerOpen => (Failed, Gateway, Route, "breaker", Some("gateway/breaker")),
            Self::BulkheadFull => (Failed, Gateway, Route, "bulkhead", Some("gateway/bulkhead")),
            Self::Overloaded => (Failed, Gateway, Queue, "overload", Some("gateway/overload")),
            Self::ConnectionsTaken => (
                Failed,
                Gateway,
                Connect,
                "connections",
                Some("gateway/connections"),
            ),
            Self::RouteDeadline => (Failed, Gateway, Wait, "deadline", Some("gateway/wait")),
            Self::Fallback => (Failed, Gateway, Done, "fallback", None),
            Self::Deposed => (Failed, Gateway, Body, "deposed", None),
            Self::NotJoined => (Failed, Gateway, Body, "not-joined", None),
            Self::ConnectRefused => (
                Failed,
                Upstream,
                Connect,
                "refused",
                Some("upstream/connect"),
            ),
            Self::ConnectTimeout => (
                Failed,
                Upstream,
                Connect,
                "timeout",
                Some("upstream/connect"),
            ),
            Self::ConnectHandshake => (
                Failed,
                Upstream,
                Connect,
                "handshake",
                Some("upstream/connect"),
            ),
            Self::AnswerTimeout => (Failed, Upstream, Wait, "timeout", Some("upstream/wait")),
            Self::AnswerReset => (Failed, Upstream, Wait, "reset", Some("upstream/wait")),
            Self::BodyBroken => (Failed, Upstream, Body, "reset", None),
            Self::BodyPaused => (Failed, Upstream, Body, "timeout", None),
            Self::Status => (Failed, Upstream, Done, "status", None),
        }
    }

    /// That of a request whose client left in this phase.
    pub(crate) const fn left(phase: Phase) -> Self {
        match phase {
            Phase::Head | Phase::Route => Self::LeftRoute,
            Phase::Queue => Self::LeftQueue,
            Phase::Connect => Self::LeftConnect,
            Phase::Send => Self::LeftSend,
            Phase::Wait => Self::LeftWait,
            Phase::Body | Phase::Done => Self::LeftBody,
        }
    }

    pub(crate) const fn outcome(self) -> Outcome {
        self.row().0
    }

    pub(crate) const fn who(self) -> Who {
        self.row().1
    }

    pub(crate) const fn phase(self) -> Phase {
        self.row().2
    }

    /// What the header of an answer of the gateway's own says.
    pub(crate) const fn reason(self) -> Option<&'static str> {
        self.row().4
    }

    /// Who ended it: `client`, `gateway` or `upstream`.
    #[must_use]
    pub const fn by(self) -> &'static str {
        self.who().name()
    }

    /// How far it had come.
    #[must_use]
    pub const fn phase_name(self) -> &'static str {
        self.phase().name()
    }

    /// Why, in a word.
    #[must_use]
    pub const fn cause(self) -> &'static str {
        self.row().3
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_end_is_at_its_index_and_no_two_read_the_same() {
        let mut words = BTreeSet::new();
        for (index, end) in RequestEnd::ALL.into_iter().enumerate() {
            assert_eq!(end as usize, index, "{end:?}");
            let new = words.insert((end.by(), end.phase_name(), end.cause()));
            assert!(new, "{end:?}");
            assert_ne!(end.outcome(), Outcome::Ok);
            // Only a client's doing is no failure of ours.
            assert_eq!(end.who() == Who::Client, end.outcome() != Outcome::Failed);
            let failed = end.failed();
            assert_eq!(failed.is_some(), end.outcome() == Outcome::Failed);
            assert!(failed.is_none_or(|place| place < RequestEnd::FAILED));
        }
    }

    #[test]
    fn a_client_leaves_in_the_phase_it_was_in() {
        use Phase::{Body, Connect, Queue, Route, Send, Wait};
        for phase in [Route, Queue, Connect, Send, Wait, Body] {
            assert_eq!(RequestEnd::left(phase).phase(), phase);
        }
    }
}
