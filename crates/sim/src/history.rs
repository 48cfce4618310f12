//! One number for all that happened.

/// A hash over everything that was dispatched, in its order. Not for secrets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct History(u64);

const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;

impl History {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed ^ PRIME)
    }

    pub(crate) const fn add(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(PRIME);
        self.0 = (mixed ^ mixed >> 29).wrapping_add(word.rotate_left(29));
    }

    pub(crate) fn add_bytes(&mut self, bytes: &[u8]) {
        self.add(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let word = chunk
                .iter()
                .fold(0, |word, byte| word << 8 | u64::from(*byte));
            self.add(word);
        }
    }

    pub(crate) const fn hash(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_content_and_length_count() {
        let hash = |texts: &[&[u8]]| {
            let mut history = History::new(1);
            for text in texts {
                history.add_bytes(text);
            }
            history.hash()
        };
        assert_eq!(hash(&[b"ab", b"cd"]), hash(&[b"ab", b"cd"]));
        assert_ne!(hash(&[b"ab", b"cd"]), hash(&[b"cd", b"ab"]));
        assert_ne!(hash(&[b"abcdefghi"]), hash(&[b"abcdefghj"]));
        assert_ne!(hash(&[b"\0"]), hash(&[b"\0\0"]));
    }
}
