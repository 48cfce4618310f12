use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use ninefold_config::model::{self, Answers, KnownBody, Route};
use ninefold_core::answer::Ignore;

use super::heard::{Heard, sha256};

/// What is checked on one route.
#[derive(Debug)]
pub(crate) struct CheckPlan {
    pub(super) canaries: Vec<Canary>,
    /// The share of requests that are voted on, and whether those with credentials are; none without
    /// votes.
    pub(crate) vote: Option<(f64, bool)>,
    pub(super) ignore: Vec<Ignore>,
    /// The host that canaries ask for; none where it is the endpoint's address.
    pub(super) host: Option<HeaderValue>,
}

/// A request with a known answer.
#[derive(Debug)]
pub(super) struct Canary {
    /// As evidence names it.
    pub(super) name: Arc<str>,
    pub(super) target: String,
    status: u16,
    body: Known,
    pub(super) every: Duration,
    pub(super) timeout: Duration,
}

#[derive(Debug)]
enum Known {
    Text(Bytes),
    Hash([u8; 32]),
}

impl CheckPlan {
    pub(crate) fn new(route: &Route) -> Option<Arc<Self>> {
        let answers: &Answers = route.answers.as_ref()?;
        // One that is a pattern is no name.
        let host = route.host.as_ref().filter(|host| !host.contains('*'));
        let vote = answers.vote.as_ref();
        Some(Arc::new(Self {
            canaries: answers.canaries.iter().map(Canary::new).collect(),
            vote: vote.map(|vote| (vote.share.as_f64(), vote.credentials)),
            ignore: answers.ignore.clone(),
            host: host.and_then(|host| HeaderValue::try_from(host.as_str()).ok()),
        }))
    }
}

impl Canary {
    fn new(canary: &model::Canary) -> Self {
        Self {
            name: format!("GET {}", canary.path).into(),
            target: canary.path.clone(),
            status: canary.status,
            body: match &canary.body {
                KnownBody::Text(text) => Known::Text(Bytes::copy_from_slice(text.as_bytes())),
                KnownBody::Sha256(hash) => Known::Hash(*hash),
            },
            every: canary.every.0,
            timeout: canary.timeout.0,
        }
    }

    /// What is wrong with an answer; nothing if it is the known one.
    pub(super) fn objection(&self, heard: &Heard, ignore: &[Ignore]) -> Option<String> {
        let print = heard.print(ignore);
        let came = || format!("{}: {}", heard.describe(&print), heard.excerpt());
        match &self.body {
            Known::Text(text) => {
                let known = heard.with(self.status, text.clone());
                let expected = known.print(ignore);
                (print != expected)
                    .then(|| format!("expected {}, got {}", known.describe(&expected), came()))
            }
            Known::Hash(hash) => {
                let same = heard.status.as_u16() == self.status && sha256(&heard.body) == *hash;
                let short: String = hash
                    .iter()
                    .take(4)
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                (!same)
                    .then(|| format!("expected {} with hash {short}, got {}", self.status, came()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;
    use http::{HeaderMap, StatusCode};
    use ninefold_core::units::Span;

    use super::*;

    fn objection(body: KnownBody, kind: &'static str, came: &'static str) -> Option<String> {
        let canary = Canary::new(&model::Canary {
            path: "/a".to_owned(),
            status: 200,
            body,
            every: Span::secs(5),
            timeout: Span::secs(1),
        });
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
        let heard = Heard::new(
            StatusCode::OK,
            &headers,
            Bytes::from_static(came.as_bytes()),
        );
        canary.objection(&heard.unwrap(), &["$.t".parse().unwrap()])
    }

    #[test]
    fn what_is_known_is_a_text_or_the_hash_of_one() {
        let json = "application/json";
        let text = || KnownBody::Text(r#"{"a":1}"#.to_owned());
        assert_eq!(objection(text(), json, r#"{"t":3, "a":1}"#), None);
        let wrong = objection(text(), json, r#"{"t":3, "a":2}"#).unwrap();
        assert!(
            wrong.starts_with("expected 200 with 7 bytes, hash "),
            "{wrong}"
        );
        assert!(wrong.contains("got 200 with 14 bytes, hash "), "{wrong}");
        assert!(wrong.ends_with(r#": "{\"t\":3, \"a\":2}""#), "{wrong}");
        let hello = || KnownBody::Sha256(sha256(b"hello"));
        assert_eq!(objection(hello(), "text/plain", "hello"), None);
        let wrong = objection(hello(), "text/plain", "hallo").unwrap();
        assert!(wrong.contains("expected 200 with hash 2cf24dba"), "{wrong}");
    }
}
