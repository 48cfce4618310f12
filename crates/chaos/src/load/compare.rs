//! Whether an answer is the one that came before the fault.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use ninefold_config::model::COMPARED_MAX;
use ninefold_core::answer::{Ignore, Json};

use super::{Outcome, Plan, Record};

/// How answers of a load are compared: without these members of JSON.
#[derive(Clone, Debug)]
pub(crate) struct Comparison(Arc<[Ignore]>);

impl Comparison {
    pub(crate) fn new(ignore: &[Ignore]) -> Self {
        Self(ignore.into())
    }

    /// Bytes of a body that are kept for it.
    pub(super) fn body_max() -> usize {
        usize::try_from(COMPARED_MAX).unwrap_or(usize::MAX)
    }

    /// The hash of an answer's normal form, as a gateway compares answers.
    pub(super) fn print(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> u64 {
        let kind = headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let json = kind.is_some_and(|kind| kind.to_ascii_lowercase().contains("json"));
        let json = json && !headers.contains_key(CONTENT_ENCODING);
        let json = json.then(|| serde_json::from_slice::<Json>(body));
        let mut hasher = DefaultHasher::new();
        status.hash(&mut hasher);
        match json {
            Some(Ok(json)) => json.normal(&self.0).hash(&mut hasher),
            _ => body.hash(&mut hasher),
        }
        hasher.finish()
    }
}

/// By request of the load: what it was answered before the fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct References(Vec<Option<u64>>);

impl References {
    /// Of operations before any fault. An error if answers differed then, or nothing was compared: then
    /// nobody could say what is wrong.
    pub(crate) fn of(plan: &Plan, records: &[Record]) -> Result<Self, String> {
        let mut references = vec![None; plan.requests.len()];
        for record in records {
            let (Some(print), Some(known)) = (record.print, plan.turn(record.number)) else {
                continue;
            };
            match references.get_mut(known) {
                Some(Some(before)) if *before != print => {
                    return Err(format!(
                        "request {} of the load was answered in two ways before any fault: choose one whose answer stays the same, or write what changes into `ignore`",
                        known + 1
                    ));
                }
                Some(reference) => *reference = Some(print),
                None => {}
            }
        }
        if references.iter().all(Option::is_none) {
            return Err(
                "no answer of the load could be compared: it takes a GET without `{id}` whose answer is at most 64KiB"
                    .to_owned(),
            );
        }
        Ok(Self(references))
    }

    /// Marks the operations whose answer is another one.
    pub(crate) fn mark(&self, plan: &Plan, records: &mut [Record]) {
        for record in records {
            let known = plan.turn(record.number).and_then(|turn| self.0.get(turn));
            if let (Some(Some(known)), Some(print)) = (known, record.print)
                && *known != print
                && record.outcome == Outcome::Acked
            {
                record.outcome = Outcome::Wrong;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use http::HeaderValue;
    use ninefold_config::model::LoadRequest;

    use super::*;

    fn plan() -> Plan {
        let request = |path: &str| LoadRequest {
            method: "GET".to_owned(),
            path: path.to_owned(),
            headers: BTreeMap::new(),
            body: None,
        };
        let requests = [request("/a"), request("/b")];
        let address = "127.0.0.1:1".parse().unwrap();
        Plan::new(address, "h", &requests, 10.0, Duration::from_secs(1), "r").unwrap()
    }

    fn record(number: u64, print: Option<u64>) -> Record {
        Record {
            number,
            intended_ns: 0,
            latency_ns: 0,
            outcome: Outcome::Acked,
            status: 200,
            uses_id: false,
            print,
        }
    }

    #[test]
    fn an_answer_is_held_against_that_of_its_own_request() {
        let plan = plan();
        let before = [record(0, Some(7)), record(1, Some(8)), record(2, Some(7))];
        let references = References::of(&plan, &before).unwrap();
        let mut after = [
            record(3, Some(8)),
            record(4, Some(8)),
            record(5, None),
            record(6, Some(7)),
        ];
        after[0].outcome = Outcome::Failed;
        references.mark(&plan, &mut after);
        let outcomes = after.map(|record| record.outcome);
        let expected = [
            Outcome::Failed,
            Outcome::Wrong,
            Outcome::Acked,
            Outcome::Acked,
        ];
        assert_eq!(outcomes, expected);
    }

    #[test]
    fn without_an_answer_that_stays_the_same_nothing_is_wrong() {
        let plan = plan();
        let moving = [record(0, Some(1)), record(2, Some(2))];
        let error = References::of(&plan, &moving).unwrap_err();
        assert!(error.contains("request 1 of the load"), "{error}");
        let error = References::of(&plan, &[record(0, None)]).unwrap_err();
        assert!(error.contains("could be compared"), "{error}");
    }

    #[test]
    fn a_print_is_that_of_the_normal_form() {
        let ignore = ["$.t".parse().unwrap()];
        let comparison = Comparison::new(&ignore);
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, json)]);
        let of = |body: &str| comparison.print(200, &headers, body.as_bytes());
        assert_eq!(of(r#"{"a":1,"t":2}"#), of(r#"{"t":3,"a": 1}"#));
        assert_ne!(of(r#"{"a":1}"#), of(r#"{"a":2}"#));
        let plain = comparison.print(200, &HeaderMap::new(), br#"{"a":1}"#);
        assert_ne!(
            plain,
            comparison.print(200, &HeaderMap::new(), br#"{"a": 1}"#)
        );
    }
}
