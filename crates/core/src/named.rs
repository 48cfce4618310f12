//! Lists of names that stay short.

/// Names in one list at most.
const NAMED_MAX: usize = 4;

/// The first of them, and how many more there are.
#[must_use]
pub fn named(names: impl ExactSizeIterator<Item = impl ToString>) -> String {
    let more = names.len().saturating_sub(NAMED_MAX);
    let mut named: Vec<String> = names.take(NAMED_MAX).map(|one| one.to_string()).collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    named.join(", ")
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn four_are_named_and_others_counted() {
        assert_eq!(named([1, 2, 3, 4].iter()), "1, 2, 3, 4");
        assert_eq!(named([1, 2, 3, 4, 5, 6].iter()), "1, 2, 3, 4, 2 more");
    }
}
