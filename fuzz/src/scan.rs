//! The gateway's strict reader, in one piece and in many.

use bytes::BytesMut;
use ninefold_gateway::strict::{HeadLimits, Refusal, RequestReader, Stage};

/// Small enough that inputs of some kilobytes reach them.
pub(crate) const LIMITS: HeadLimits = HeadLimits {
    size: 2_048,
    headers: 24,
};

/// What became of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) passed: usize,
    pub(crate) refused: Option<Refusal>,
    pub(crate) stage: Stage,
}

/// Lets the reader read the stream up to each of `ends`, as a connection does.
fn scan(input: &[u8], ends: impl Iterator<Item = usize>) -> Verdict {
    let mut reader = RequestReader::new(LIMITS);
    let mut held = BytesMut::new();
    let (mut shown, mut refused) = (0, None);
    for end in ends {
        held.extend_from_slice(input.get(shown..end).unwrap_or_default());
        shown = end;
        loop {
            match reader.next(&mut held) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(refusal) => {
                    let left = held.clone();
                    assert_eq!(
                        reader.next(&mut held).err(),
                        Some(refusal),
                        "a verdict stays"
                    );
                    assert_eq!(held, left, "nothing is read behind it");
                    refused = Some(refusal);
                    break;
                }
            }
        }
        if refused.is_some() {
            break;
        }
    }
    Verdict {
        passed: shown - held.len(),
        refused,
        stage: reader.stage(),
    }
}

/// The stream at once.
pub(crate) fn whole(input: &[u8]) -> Verdict {
    scan(input, std::iter::once(input.len()))
}

/// The stream byte by byte.
pub(crate) fn bytes(input: &[u8]) -> Verdict {
    scan(input, all_bytes(input))
}

/// The stream cut at random: `seed` decides where.
pub(crate) fn cut(input: &[u8], seed: u32) -> Verdict {
    scan(input, cuts(input, seed))
}

/// An end behind every byte.
pub(crate) fn all_bytes(input: &[u8]) -> impl Iterator<Item = usize> {
    1..=input.len()
}

/// Ends at random.
pub(crate) fn cuts(input: &[u8], mut seed: u32) -> impl Iterator<Item = usize> {
    let mut end = 0;
    std::iter::from_fn(move || {
        if end >= input.len() {
            return None;
        }
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let step = usize::try_from(seed >> 27).unwrap_or(1);
        end = (end + step).min(input.len());
        Some(end)
    })
}
