//! What a request asks of a cache.

use std::sync::Arc;
use std::time::Duration;

use http::header::{
    AUTHORIZATION, COOKIE, HOST, IF_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, PRAGMA, RANGE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};

use super::directives::Directives;

/// Longer targets and hosts are not kept.
const KEY_MAX: usize = 4 << 10;

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
/// RFC 7239: it says the same as those above in one.
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");

/// A request that may be answered from a cache.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) key: Arc<str>,
    /// Whether it is a HEAD: answered from a kept GET, never kept itself.
    pub(crate) head: bool,
    /// It brings a cookie or credentials: only what is marked for everybody is for it.
    pub(crate) personal: bool,
    /// It wants an answer that the service has just given or confirmed.
    pub(super) no_cache: bool,
    pub(crate) only_if_cached: bool,
    pub(super) max_age: Option<Duration>,
    pub(super) min_fresh: Duration,
}

impl Asked {
    /// Whether it wants an answer that the service has just given or confirmed.
    pub(crate) const fn no_cache(&self) -> bool {
        self.no_cache
    }

    /// Of a head as endpoints get it; nothing for those that no cache may answer.
    pub(crate) fn of(head: &Parts, https: bool) -> Option<Self> {
        let headers = &head.headers;
        let is_head = head.method == Method::HEAD;
        let said = Directives::of(headers);
        let parts = [RANGE, IF_RANGE, IF_MATCH, IF_UNMODIFIED_SINCE];
        if !(is_head || head.method == Method::GET)
            || said.no_store
            || parts.iter().any(|name| headers.contains_key(name))
        {
            return None;
        }
        let pragma = headers.get(PRAGMA).is_some_and(|value| value == "no-cache");
        Some(Self {
            key: key_of(head, https)?,
            head: is_head,
            personal: headers.contains_key(COOKIE) || headers.contains_key(AUTHORIZATION),
            no_cache: said.no_cache || pragma,
            only_if_cached: said.only_if_cached,
            max_age: said.max_age,
            min_fresh: said.min_fresh.unwrap_or_default(),
        })
    }
}

/// The target of a request, as the service sees it. A proxy in front that is believed may say another
/// scheme, host or port, and services make redirects and links of them: an answer to one is none to
/// another.
pub(crate) fn key_of(head: &Parts, https: bool) -> Option<Arc<str>> {
    let host = text(&head.headers, &HOST)?;
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let scheme = match text(&head.headers, &FORWARDED_PROTO)? {
        "" if https => "https",
        "" => "http",
        said => said,
    };
    let mut key = format!("{scheme}://{}{target}", host.to_ascii_lowercase());
    for name in [FORWARDED_HOST, FORWARDED_PORT] {
        let said = text(&head.headers, &name)?;
        // Mostly it is the host itself. No target has a space.
        if !said.is_empty() && !said.eq_ignore_ascii_case(host) {
            key.push(' ');
            key.push_str(name.as_str());
            key.push('=');
            key.push_str(&said.to_ascii_lowercase());
        }
    }
    for value in head.headers.get_all(FORWARDED) {
        add_forwarded(value.to_str().ok()?, &mut key)?;
    }
    (key.len() <= KEY_MAX).then(|| key.into())
}

/// Adds what a `forwarded` header says of the request's target: `host` and `proto`, of all hops. Whom
/// it is from says nothing of the answer. One with an escape, which no name has, is for no cache.
fn add_forwarded(value: &str, key: &mut String) -> Option<()> {
    if value.contains('\\') {
        return None;
    }
    let mut quoted = false;
    let pairs = value.split(|c| {
        quoted ^= c == '"';
        !quoted && matches!(c, ',' | ';')
    });
    for pair in pairs.map(|pair| pair.trim().to_ascii_lowercase()) {
        if pair.starts_with("host=") || pair.starts_with("proto=") {
            key.push_str(" forwarded-");
            key.push_str(&pair);
        }
    }
    Some(())
}

/// A header's only value; empty where there is none. Nothing if there are several, or it is no text.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else {
        return Some("");
    };
    values.next().is_none().then(|| first.to_str().ok())?
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn asked(method: &str, headers: &[(&str, &str)]) -> Option<Asked> {
        let mut request = Request::builder().method(method).uri("/a?b=1");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Asked::of(&request.body(()).unwrap().into_parts().0, false)
    }

    #[test]
    fn some_requests_are_for_no_cache() {
        for (method, headers) in [
            ("POST", [].as_slice()),
            ("OPTIONS", &[]),
            ("GET", &[("range", "bytes=0-1")]),
            ("GET", &[("if-match", "\"a\"")]),
            ("GET", &[("cache-control", "no-store")]),
        ] {
            assert!(asked(method, headers).is_none(), "{method} {headers:?}");
        }
        let long = "a".repeat(KEY_MAX);
        assert!(asked("GET", &[("host", &long)]).is_none());
    }

    #[test]
    fn keys_tell_hosts_schemes_and_queries_apart() {
        let one = asked("GET", &[("host", "Shop:80")]).unwrap();
        assert_eq!(&*one.key, "http://shop:80/a?b=1");
        assert!(!one.personal && !one.head);
        let said = [
            ("host", "Shop:80"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil"),
            ("x-forwarded-port", "8443"),
        ];
        let key = |count| asked("GET", &said[..count]).unwrap().key;
        assert_eq!(&*key(2), "https://shop:80/a?b=1");
        assert_eq!(&*key(3), "https://shop:80/a?b=1 x-forwarded-host=evil");
        assert!(key(4).ends_with(" x-forwarded-port=8443"));
        let own = [("host", "shop"), ("x-forwarded-host", "Shop")];
        assert_eq!(&*asked("GET", &own).unwrap().key, "http://shop/a?b=1");
        let twice = [("x-forwarded-host", "a"), ("x-forwarded-host", "b")];
        assert!(asked("GET", &twice).is_none());
        let of = |said| Some(asked("GET", &[("host", "a"), ("forwarded", said)])?.key);
        let plain = of("for=192.0.2.60;by=203.0.113.43, for=\"[2001:db8::1]\"");
        assert_eq!(plain.as_deref(), Some("http://a/a?b=1"));
        let moved = of("for=1.2.3.4; Host=\"b;c:80\";proto=https, host=d").unwrap();
        let expected = "forwarded-host=\"b;c:80\" forwarded-proto=https forwarded-host=d";
        assert_eq!(&*moved, format!("http://a/a?b=1 {expected}"));
        assert_eq!(of(r#"host="a\"b""#), None);
        let head = asked("HEAD", &[("cookie", "a=1"), ("pragma", "no-cache")]).unwrap();
        assert!(head.head && head.personal && head.no_cache);
    }
}
