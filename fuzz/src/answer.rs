//! Answers of endpoints, read by the gateway's reader in one piece and in many, and by hyper.

use bytes::BytesMut;
use http::{HeaderMap, Method};
use ninefold_gateway::http1::{AnswerEvent, AnswerReader, Malformed};

use crate::peer;
use crate::scan::{all_bytes, cuts};

/// An answer as a reader sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, Vec<u8>)>,
    /// Whether the body was there to its end.
    pub(crate) complete: bool,
}

/// What the gateway's reader makes of a stream.
#[derive(Debug, Default)]
struct Verdict {
    answer: Option<Answer>,
    malformed: Option<Malformed>,
    /// Bytes that belong to the answer and to those before it.
    used: usize,
    /// Whether another answer may follow.
    follows: bool,
}

/// Holds for every stream of bytes, as the answer to each method:
///
/// 1. However it is cut into pieces, it is read the same.
/// 2. What is read to its end, hyper reads the same; what breaks off, breaks off there too.
///
/// # Panics
///
/// If one of them does not hold.
pub fn answer(input: &[u8]) {
    for method in [Method::GET, Method::HEAD, Method::CONNECT] {
        let whole = read(&method, input, std::iter::once(input.len()));
        let seed = crc32fast::hash(input);
        for other in [
            read(&method, input, all_bytes(input)),
            read(&method, input, cuts(input, seed)),
        ] {
            assert_eq!(
                whole.malformed, other.malformed,
                "the verdict depends on cuts"
            );
            if whole.malformed.is_none() {
                assert_eq!(whole.answer, other.answer);
                assert_eq!((whole.used, whole.follows), (other.used, other.follows));
            }
        }
        let Some(ours) = whole.answer.filter(|answer| answer.status != 101) else {
            continue;
        };
        let known = matches!(whole.malformed, None | Some(Malformed::BrokeOff));
        if known && method != Method::CONNECT {
            compare(
                &ours,
                peer::ask(&method, input.get(..whole.used).unwrap_or_default()),
            );
        }
    }
}

fn compare(ours: &Answer, theirs: Option<Answer>) {
    let theirs = theirs.expect("hyper has read the head");
    assert_eq!(
        (ours.status, ours.complete),
        (theirs.status, theirs.complete)
    );
    assert_eq!(sorted(&ours.headers), sorted(&theirs.headers));
    if ours.complete {
        assert_eq!(ours.body, theirs.body);
        assert_eq!(sorted(&ours.trailers), sorted(&theirs.trailers));
    }
}

fn sorted(fields: &[(String, Vec<u8>)]) -> Vec<&(String, Vec<u8>)> {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    fields
}

/// Reads the stream as it grows up to each of `ends`.
fn read(method: &Method, input: &[u8], ends: impl Iterator<Item = usize>) -> Verdict {
    let mut reader = AnswerReader::new(method.clone());
    let (mut buffer, mut fed) = (BytesMut::new(), 0);
    let mut verdict = Verdict::default();
    'pieces: for end in ends {
        buffer.extend_from_slice(input.get(fed..end).unwrap_or_default());
        fed = end;
        loop {
            match reader.next(&mut buffer) {
                Ok(Some(AnswerEvent::End)) => break 'pieces,
                Ok(Some(event)) => take(&mut verdict, event),
                Ok(None) => break,
                Err(malformed) => {
                    assert_eq!(reader.next(&mut buffer), Err(malformed), "a verdict stays");
                    verdict.malformed = Some(malformed);
                    break 'pieces;
                }
            }
        }
    }
    // Whether nothing follows is known at once, or at the end of the stream.
    if verdict.malformed.is_none() && !reader.is_ended() {
        verdict.malformed = reader.end().err();
    }
    if let Some(answer) = &mut verdict.answer {
        answer.complete = verdict.malformed.is_none();
    }
    verdict.used = fed - buffer.len();
    verdict.follows = reader.may_follow();
    verdict
}

fn take(verdict: &mut Verdict, event: AnswerEvent) {
    match event {
        AnswerEvent::Head(head) => {
            assert!(verdict.answer.is_none(), "one head");
            verdict.answer = Some(Answer {
                status: head.status.as_u16(),
                headers: fields(&head.headers),
                ..Answer::default()
            });
        }
        AnswerEvent::Data(data) => {
            assert!(!data.is_empty());
            let answer = verdict.answer.as_mut().expect("a head comes first");
            answer.body.extend_from_slice(&data);
        }
        AnswerEvent::Trailers(trailers) => {
            let answer = verdict.answer.as_mut().expect("a head comes first");
            answer.trailers = fields(&trailers);
        }
        AnswerEvent::End => {}
    }
}

/// Fields with names in lower case, in their order.
pub(crate) fn fields(map: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    map.iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect()
}
