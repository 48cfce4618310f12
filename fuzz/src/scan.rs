//! The gateway's strict scanner, in one piece and in many.

use ninefold_gateway::strict::{HeadLimits, Refusal, Scanner, Stage};

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

/// Shows the scanner the stream up to each of `ends`, as a connection does: what has not passed is
/// shown again with what came after it.
fn scan(input: &[u8], ends: impl Iterator<Item = usize>) -> Verdict {
    let mut scanner = Scanner::new(LIMITS);
    let (mut passed, mut refused) = (0, None);
    for end in ends {
        let shown = input.get(passed..end).unwrap_or_default();
        let pass = scanner.scan(shown);
        assert!(pass.passed <= shown.len(), "passed what was not shown");
        passed += pass.passed;
        refused = pass.refused;
        if refused.is_some() {
            let again = scanner.scan(input.get(passed..).unwrap_or_default());
            assert_eq!(
                (again.passed, again.refused),
                (0, refused),
                "a verdict stays"
            );
            break;
        }
    }
    Verdict {
        passed,
        refused,
        stage: scanner.stage(),
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
