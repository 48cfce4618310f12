//! What the strict reader passes is read the same by everyone.

use ninefold_gateway::strict::Stage;

use crate::reference::{self, Request};
use crate::{peer, scan};

/// Holds for every stream of bytes:
///
/// 1. However it is cut into pieces, the reader comes to the same verdict.
/// 2. httparse reads what was passed as whole requests with one length each.
/// 3. hyper serves exactly these requests, with the same heads, bodies and trailers.
///
/// # Panics
///
/// If one of them does not hold.
pub fn differ(input: &[u8]) {
    let verdict = scan::whole(input);
    for other in [scan::bytes(input), scan::cut(input, crc32fast::hash(input))] {
        assert_eq!(
            verdict.refused, other.refused,
            "the verdict depends on cuts"
        );
        assert_eq!(verdict.stage, other.stage, "the stage depends on cuts");
        // Of a body that is refused, more or less may have passed.
        assert!(verdict.refused.is_some() || verdict.passed == other.passed);
    }
    let passed = input.get(..verdict.passed).unwrap_or_default();
    let mut requests = reference::read(passed);
    if let Some(end) = requests.iter().position(|request| request.last) {
        requests.truncate(end + 1);
    }
    if verdict.stage == Stage::Upgrade {
        assert!(
            requests
                .last()
                .is_some_and(|last| last.last || last.asks_to_upgrade())
        );
    }
    let served = peer::serve(passed);
    assert_eq!(requests.len(), served.len(), "hyper serves others");
    for (ours, theirs) in requests.iter().zip(&served) {
        compare(ours, theirs);
    }
}

fn compare(ours: &Request, theirs: &Request) {
    assert_eq!(ours.method, theirs.method);
    let target: http::Uri = ours.target.parse().expect("hyper has read this target");
    assert_eq!(target.to_string(), theirs.target);
    assert_eq!(sorted(&ours.headers), sorted(&theirs.headers));
    assert_eq!(ours.complete, theirs.complete, "whether the body ended");
    if ours.complete {
        assert_eq!(ours.body, theirs.body);
        assert_eq!(sorted(&ours.trailers), sorted(&theirs.trailers));
    } else {
        assert!(ours.body.starts_with(&theirs.body));
    }
}

/// By name; of one name, the order stays.
fn sorted(fields: &[(String, Vec<u8>)]) -> Vec<&(String, Vec<u8>)> {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    fields
}
