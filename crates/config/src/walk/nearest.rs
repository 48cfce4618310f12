//! Suggestions for what is misspelt.

/// The candidate with the least edit distance, if it is near enough to be meant: up to a third of
/// its letters, at least one.
#[must_use]
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // The distance takes quadratic time: nothing so long is a misspelt name.
    if word.len() > 80 {
        return None;
    }
    let fold = word.to_lowercase().replace('-', "_");
    candidates
        .into_iter()
        .map(|candidate| {
            let other = candidate.to_lowercase().replace('-', "_");
            let distance = strsim::damerau_levenshtein(&fold, &other);
            (distance, candidate)
        })
        .filter(|(distance, candidate)| {
            let letters = candidate.chars().count();
            *distance <= (letters / 3).max(1) && *distance < letters
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_near() {
        let keys = ["replicas", "restart", "run"];
        assert_eq!(nearest("replica", keys), Some("replicas"));
        assert_eq!(nearest("Replicsa", keys), Some("replicas"));
        assert_eq!(nearest("rnu", keys), Some("run"));
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest("", []), None);
        assert_eq!(nearest("d", ["a", "b"]), None, "nothing in common");
        assert_eq!(nearest(&"r".repeat(10_000), keys), None);
    }
}
