//! A hash that is the same in every build and every run.

/// Bytes of a [`checksum`].
pub const CHECKSUM_SIZE: usize = 4;

/// FNV-1a with 64 bits (Fowler, Noll, Vo).
#[must_use]
pub fn fnv1a(bytes: &[u8]) -> u64 {
    folded(bytes.iter().copied())
}

/// The low half of it: no single byte that is another one leaves that as it is. Against accidents.
#[must_use]
pub fn checksum(bytes: impl IntoIterator<Item = u8>) -> u32 {
    let low = folded(bytes.into_iter()) & u64::from(u32::MAX);
    u32::try_from(low).unwrap_or(u32::MAX)
}

fn folded(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::{checksum, fnv1a};

    #[test]
    fn agrees_with_the_published_vectors() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(checksum(*b"foobar"), 0xf739_67e8);
    }

    #[test]
    fn every_turned_bit_is_seen() {
        let text = *b"what its owner has said";
        for bit in 0..text.len() * 8 {
            let mut turned = text;
            turned[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(checksum(turned), checksum(text), "{bit}");
        }
    }
}
