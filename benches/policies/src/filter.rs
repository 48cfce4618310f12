//! Which cases and subjects a program is asked for.

use crate::{Case, Subject};

/// What is left of all cases and subjects.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Cases by name; all if empty.
    pub cases: Vec<String>,
    /// Subjects whose name contains this.
    pub subject: String,
}

impl Filter {
    /// Reads `--cases A,B` and `--subject TEXT`, and gives back the words that are neither.
    ///
    /// # Errors
    ///
    /// What is wrong, as a sentence.
    pub fn parse(words: &[String]) -> Result<(Self, Vec<&str>), String> {
        let mut filter = Self::default();
        let mut rest = Vec::new();
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("`{word}` needs a value"));
            match word {
                "--cases" => {
                    filter.cases = value()?.split(',').map(str::to_owned).collect();
                    let known = |name: &String| Case::ALL.iter().any(|case| case.name() == name);
                    if let Some(name) = filter.cases.iter().find(|name| !known(name)) {
                        let names = Case::ALL.map(Case::name).join(", ");
                        return Err(format!("`{name}` is none of the cases {names}"));
                    }
                }
                "--subject" => value()?.clone_into(&mut filter.subject),
                other => rest.push(other),
            }
        }
        Ok((filter, rest))
    }

    /// All that passes, in order.
    pub fn subjects(&self) -> impl Iterator<Item = (Case, Subject)> + '_ {
        Case::ALL
            .into_iter()
            .filter(|case| self.cases.is_empty() || self.cases.iter().any(|c| c == case.name()))
            .flat_map(|case| case.subjects().into_iter().map(move |s| (case, s)))
            .filter(|(_, subject)| subject.name().contains(&self.subject))
    }
}
