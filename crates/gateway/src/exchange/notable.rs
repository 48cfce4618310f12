//! Which headers are there that the gateway acts upon.

use ninefold_core::policy::prioritizer::LEVEL_HEADER;

use http::{HeaderMap, HeaderName, HeaderValue};

/// A set of names. One pass over a message's names finds them: mostly hardly any is there, and to
/// ask the map for each of them would cost a hash each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Notable(u32);

impl Notable {
    pub(super) const ACCEPT: Self = Self(1);
    pub(super) const CONNECTION: Self = Self(1 << 1);
    pub(super) const CONTENT_LENGTH: Self = Self(1 << 2);
    pub(super) const DEADLINE: Self = Self(1 << 3);
    pub(super) const EXPECT: Self = Self(1 << 4);
    pub(super) const TE: Self = Self(1 << 5);
    pub(super) const UPGRADE: Self = Self(1 << 6);
    pub(super) const REQUEST_ID: Self = Self(1 << 7);
    pub(super) const TRACE: Self = Self(1 << 8);
    /// Meant for the next hop only, whatever it says, and whether or not `Connection` names it.
    pub(super) const HOP_BY_HOP: Self = Self(1 << 9);
    /// What proxies say about clients.
    pub(super) const FORWARDED: Self = Self(1 << 10);

    /// Asks for the admission level.
    pub(super) const LEVEL: Self = Self(1 << 11);

    const NONE: Self = Self(0);

    /// Those that are there.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        headers.keys().fold(Self::NONE, |all, name| {
            all.and(match name.as_str() {
                "accept" => Self::ACCEPT,
                "connection" => Self::CONNECTION,
                "content-length" => Self::CONTENT_LENGTH,
                "x-deadline-ms" => Self::DEADLINE,
                LEVEL_HEADER => Self::LEVEL,
                "expect" => Self::EXPECT,
                "te" => Self::TE,
                "upgrade" => Self::UPGRADE,
                "x-request-id" => Self::REQUEST_ID,
                "traceparent" | "tracestate" => Self::TRACE,
                "keep-alive" | "proxy-connection" | "transfer-encoding" => Self::HOP_BY_HOP,
                "forwarded" | "x-forwarded-for" | "x-forwarded-host" | "x-forwarded-port"
                | "x-forwarded-proto" | "x-real-ip" => Self::FORWARDED,
                _ => Self::NONE,
            })
        })
    }

    /// The value of `name`, one of `names`.
    pub(super) fn get(
        self,
        headers: &HeaderMap,
        names: Self,
        name: HeaderName,
    ) -> Option<&HeaderValue> {
        self.any(names).then(|| headers.get(name)).flatten()
    }

    /// Both sets together.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any of `names` is in it.
    pub(super) const fn any(self, names: Self) -> bool {
        self.0 & names.0 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_there() {
        let mut headers = HeaderMap::new();
        assert_eq!(Notable::of(&headers), Notable::NONE);
        for name in ["host", "Keep-Alive", "X-Forwarded-Port", "TE", "tea"] {
            let name: HeaderName = name.parse().unwrap();
            headers.insert(name, HeaderValue::from_static("x"));
        }
        let found = Notable::of(&headers);
        let expected = Notable::HOP_BY_HOP.and(Notable::FORWARDED).and(Notable::TE);
        assert_eq!(found, expected);
        assert!(found.any(Notable::TE) && !found.any(Notable::UPGRADE.and(Notable::ACCEPT)));
    }
}
