//! The low bits of a generation that are kept beside a number, so that a late writer is found out.

/// How a tag stands to the generation of whoever looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// What it marks is history: it may be replaced.
    Older,
    /// It is of this generation.
    Same,
    /// Whoever looks is late, and must leave it alone.
    Newer,
}

/// A writer that is late is late by less than this many generations. What is farther ahead on the
/// circle is taken for old, so that a tag from before the circle closed blocks nobody.
const AHEAD_MAX: u64 = 1 << 20;

/// Compares on the circle of `BITS` bits.
#[inline]
pub(super) const fn age<const BITS: u32>(tag: u64, mine: u64) -> Age {
    match tag.wrapping_sub(mine) & mask(BITS) {
        0 => Age::Same,
        ahead if ahead <= AHEAD_MAX && ahead < 1 << (BITS - 1) => Age::Newer,
        _ => Age::Older,
    }
}

/// The lowest `bits` bits.
#[inline]
pub(super) const fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_on_a_circle() {
        let top = mask(22);
        assert_eq!(age::<22>(5, 5), Age::Same);
        assert_eq!(age::<22>(5, 5 + (1 << 22)), Age::Same);
        assert_eq!(age::<22>(4, 5), Age::Older);
        assert_eq!(age::<22>(6, 5), Age::Newer);
        assert_eq!(age::<22>(0, top), Age::Newer);
        assert_eq!(age::<22>(top, 0), Age::Older);
        assert_eq!(age::<4>(7, 0), Age::Newer);
        assert_eq!(age::<4>(8, 0), Age::Older);
        assert_eq!(
            age::<22>(1 << 21, 0),
            Age::Older,
            "half a circle is history"
        );
    }
}
