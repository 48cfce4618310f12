//! What a client has already (RFC 9110, section 13).

use http::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue};
use ninefold_core::policy::classify::http_date;

/// A client's own conditions: taken out of what is sent, so that the whole answer comes and can be
/// kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    none_match: Vec<HeaderValue>,
    modified_since: Option<HeaderValue>,
}

impl Conditions {
    /// Takes them out of a request.
    pub(crate) fn take(headers: &mut HeaderMap) -> Self {
        let none_match: Vec<_> = headers.get_all(IF_NONE_MATCH).iter().cloned().collect();
        headers.remove(IF_NONE_MATCH);
        Self {
            none_match,
            modified_since: headers.remove(IF_MODIFIED_SINCE),
        }
    }

    /// Puts them back, in place of others.
    pub(crate) fn put_back(&self, headers: &mut HeaderMap) {
        headers.remove(IF_NONE_MATCH);
        headers.remove(IF_MODIFIED_SINCE);
        for value in &self.none_match {
            headers.append(IF_NONE_MATCH, value.clone());
        }
        if let Some(since) = &self.modified_since {
            headers.insert(IF_MODIFIED_SINCE, since.clone());
        }
    }

    /// Whether the client has what an answer with these headers holds.
    pub(crate) fn has(&self, headers: &HeaderMap) -> bool {
        if !self.none_match.is_empty() {
            let tag = headers.get(ETAG).map(HeaderValue::as_bytes);
            return self.none_match.iter().any(|listed| {
                listed.as_bytes().trim_ascii() == b"*"
                    || tag.is_some_and(|tag| lists(listed.as_bytes(), tag))
            });
        }
        let date = |value: &HeaderValue| http_date(value.to_str().ok()?);
        let since = self.modified_since.as_ref().and_then(date);
        let modified = headers.get(LAST_MODIFIED).and_then(date);
        since
            .zip(modified)
            .is_some_and(|(since, modified)| modified <= since)
    }
}

/// Adds conditions to a request for an answer that is kept with these headers; says whether there
/// are any.
pub(super) fn validate(request: &mut HeaderMap, kept: &HeaderMap) -> bool {
    let pairs = [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)];
    let mut any = false;
    for (said, asks) in pairs {
        if let Some(value) = kept.get(said) {
            request.insert(asks, value.clone());
            any = true;
        }
    }
    any
}

/// Whether a list of entity tags has one, by weak comparison. A tag has no quotation mark within,
/// but it may have commas.
fn lists(list: &[u8], tag: &[u8]) -> bool {
    let opaque = |tag: &[u8]| tag.strip_prefix(b"W/").unwrap_or(tag).to_vec();
    let wanted = opaque(tag.trim_ascii());
    if wanted.len() < 2 || !wanted.starts_with(b"\"") || !wanted.ends_with(b"\"") {
        return false;
    }
    let mut rest = list;
    while let Some(open) = rest.iter().position(|byte| *byte == b'"') {
        let from = rest.get(open..).unwrap_or_default();
        let Some(close) = from.iter().skip(1).position(|byte| *byte == b'"') else {
            return false;
        };
        if from.get(..close + 2) == Some(&*wanted) {
            return true;
        }
        rest = from.get(close + 2..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(asks: (&'static str, &str), says: (&'static str, &str)) -> bool {
        let one = |(name, value): (&'static str, &str)| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_str(value).unwrap());
            headers
        };
        let mut request = one(asks);
        let conditions = Conditions::take(&mut request);
        assert!(request.is_empty());
        conditions.put_back(&mut request);
        assert_eq!(request, one(asks));
        conditions.has(&one(says))
    }

    #[test]
    fn tags_are_compared_weakly() {
        for (list, tag, expected) in [
            ("\"a\"", "\"a\"", true),
            ("W/\"a\"", "\"a\"", true),
            ("\"b\", W/\"a,c\"", "W/\"a,c\"", true),
            ("*", "\"x\"", true),
            ("\"a\"", "\"b\"", false),
            ("\"a, \"b\"", "\"b\"", false),
            ("a", "a", false),
            ("\"", "\"", false),
        ] {
            let found = has(("if-none-match", list), ("etag", tag));
            assert_eq!(found, expected, "{list} {tag}");
        }
    }

    #[test]
    fn dates_count_where_there_is_no_tag() {
        let at = "Sun, 06 Nov 1994 08:49:37 GMT";
        let later = "Sun, 06 Nov 1994 08:49:38 GMT";
        assert!(has(("if-modified-since", at), ("last-modified", at)));
        assert!(has(("if-modified-since", later), ("last-modified", at)));
        assert!(!has(("if-modified-since", at), ("last-modified", later)));
        assert!(!has(("if-modified-since", at), ("etag", "\"a\"")));
    }
}
