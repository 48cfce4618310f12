use crate::observation::Ballot;

/// Where each of those stands that answered so, in the same order. More than half of them, and at
/// least two, are a majority. Nothing of fewer than two answers.
#[must_use]
pub fn ballots<T: Eq>(answers: &[T]) -> Option<Vec<Ballot>> {
    if answers.len() < 2 {
        return None;
    }
    let votes = |one: &T| answers.iter().filter(|other| *other == one).count();
    let majority = answers.iter().find(|one| votes(one) * 2 > answers.len());
    let ballot = |one: &T| match majority {
        None => Ballot::Split,
        Some(most) if most == one => Ballot::Agrees,
        Some(_) => Ballot::Minority,
    };
    Some(answers.iter().map(ballot).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Ballot::{Agrees, Minority, Split};

    #[test]
    fn two_of_three_are_a_majority() {
        for (answers, expected) in [
            ("a", None),
            ("aa", Some(vec![Agrees, Agrees])),
            ("ab", Some(vec![Split, Split])),
            ("aab", Some(vec![Agrees, Agrees, Minority])),
            ("aba", Some(vec![Agrees, Minority, Agrees])),
            ("abc", Some(vec![Split, Split, Split])),
            ("aabb", Some(vec![Split; 4])),
        ] {
            let answers: Vec<char> = answers.chars().collect();
            assert_eq!(ballots(&answers), expected, "{answers:?}");
        }
    }

    proptest! {
        #[test]
        fn a_minority_is_never_as_many_as_its_accusers(answers in prop::collection::vec(0u8..4, 2..8)) {
            let ballots = ballots(&answers).unwrap();
            let count = |of| ballots.iter().filter(|ballot| **ballot == of).count();
            prop_assert!(count(Minority) == 0 || count(Minority) < count(Agrees) && count(Agrees) > 1);
            prop_assert!(count(Split) == 0 || count(Split) == answers.len());
        }
    }
}
