//! The words that may stand in a path or a key: ids of items and orders.

/// The longest id.
pub const WORD_LENGTH_MAX: usize = 64;

/// Whether this is an id: 1 to 64 of letters, digits, `-`, `_` and `.`, so that it needs no
/// escaping in a path.
#[must_use]
pub fn is_word(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= WORD_LENGTH_MAX && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_need_no_escaping() {
        assert!(is_word("order-1_2.3"));
        assert!(is_word(&"a".repeat(64)));
        for bad in ["", "a b", "a/b", "a?b", "a%20", "é", &"a".repeat(65)] {
            assert!(!is_word(bad), "{bad}");
        }
    }
}
