//! Values on the command line of a bench.

use crate::failure::Failure;

/// A number from 1 on.
pub(crate) fn number(option: &str, text: &str, max: u32) -> Result<u32, Failure> {
    let refused = || Failure::usage(format!("`{option} {text}`: a number from 1 to {max}"));
    let number: u32 = text.parse().map_err(|_not_a_number| refused())?;
    if (1..=max).contains(&number) {
        Ok(number)
    } else {
        Err(refused())
    }
}

/// Some of `all`, by name, between commas.
pub(super) fn list<T: Copy>(
    option: &str,
    text: &str,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Result<Vec<T>, Failure> {
    let find = |word: &str| all.iter().copied().find(|item| name(*item) == word);
    text.split(',')
        .map(|word| {
            find(word).ok_or_else(|| {
                let names: Vec<&str> = all.iter().map(|item| name(*item)).collect();
                let names = names.join(", ");
                Failure::usage(format!("`{option} {text}`: `{word}` is none of {names}"))
            })
        })
        .collect()
}
