//! The command line of a bench.

use std::slice::Iter;

use crate::failure::Failure;

/// The words of a command line: options, each with what follows it.
pub(crate) struct Words<'a> {
    left: Iter<'a, &'a str>,
    option: &'a str,
}

impl<'a> Words<'a> {
    pub(crate) fn new(words: &'a [&'a str]) -> Self {
        Self {
            left: words.iter(),
            option: "",
        }
    }

    /// Options for another program, which says itself what is wrong with their values; and whether `flag`, which is for
    /// this one, is among the words.
    pub(crate) fn passed_on(
        words: &'a [&'a str],
        options: &[&str],
        flag: Option<&str>,
    ) -> Result<(Vec<String>, bool), Failure> {
        let (mut passed, mut flagged) = (Vec::new(), false);
        let mut words = Self::new(words);
        while let Some(option) = words.next() {
            if Some(option) == flag {
                flagged = true;
            } else if options.contains(&option) {
                passed.extend([option.to_owned(), words.value()?.to_owned()]);
            } else {
                return Err(words.unknown());
            }
        }
        Ok((passed, flagged))
    }

    /// The next option; what is asked for is asked for this one from now on.
    pub(crate) fn next(&mut self) -> Option<&'a str> {
        self.option = self.left.next()?;
        Some(self.option)
    }

    /// The option's value.
    pub(crate) fn value(&mut self) -> Result<&'a str, Failure> {
        let missing = || Failure::usage(format!("`{}` needs a value", self.option));
        self.left.next().copied().ok_or_else(missing)
    }

    /// The option's value: a number from 1 on.
    pub(crate) fn number(&mut self, max: u32) -> Result<u32, Failure> {
        let text = self.value()?;
        number(self.option, text, max)
    }

    /// The option's value: some of `all`, by name, between commas.
    pub(crate) fn list<T: Copy>(
        &mut self,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Result<Vec<T>, Failure> {
        let text = self.value()?;
        list(self.option, text, all, name)
    }

    /// The option's value: whether `json` is wanted.
    pub(crate) fn is_json(&mut self) -> Result<bool, Failure> {
        match self.value()? {
            "json" => Ok(true),
            "text" => Ok(false),
            other => {
                let text = format!("`{} {other}`: json or text", self.option);
                Err(Failure::usage(text))
            }
        }
    }

    /// The option is none.
    pub(crate) fn unknown(&self) -> Failure {
        Failure::usage(format!("unknown option `{}`", self.option))
    }
}

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
